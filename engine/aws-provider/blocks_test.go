package main

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func nested(name string, nesting tfprotov5.SchemaNestedBlockNestingMode, inner ...*tfprotov5.SchemaNestedBlock) *tfprotov5.SchemaNestedBlock {
	return &tfprotov5.SchemaNestedBlock{TypeName: name, Nesting: nesting, Block: &tfprotov5.SchemaBlock{
		Attributes: []*tfprotov5.SchemaAttribute{{Name: "size", Type: tftypes.Number, Optional: true}},
		BlockTypes: inner,
	}}
}

const (
	list  = tfprotov5.SchemaNestedBlockNestingModeList
	set   = tfprotov5.SchemaNestedBlockNestingModeSet
	keyed = tfprotov5.SchemaNestedBlockNestingModeMap
)

func schemaOf(blocks ...*tfprotov5.SchemaNestedBlock) *tfprotov5.Schema {
	return &tfprotov5.Schema{Block: &tfprotov5.SchemaBlock{
		Attributes: []*tfprotov5.SchemaAttribute{{Name: "names", Type: tftypes.List{ElementType: tftypes.String}, Optional: true}},
		BlockTypes: blocks,
	}}
}

// travel sends a value through filled, as the bridge's calls do.
func travel(t *testing.T, s *tfprotov5.Schema, fields map[string]tftypes.Value) map[string]tftypes.Value {
	t.Helper()
	kind := s.ValueType().(tftypes.Object)
	for name, inner := range kind.AttributeTypes {
		if _, given := fields[name]; !given {
			fields[name] = tftypes.NewValue(inner, nil)
		}
	}
	sent, err := tfprotov5.NewDynamicValue(kind, tftypes.NewValue(kind, fields))
	if err != nil {
		t.Fatal(err)
	}
	value, err := filled(&sent, s).Unmarshal(kind)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]tftypes.Value
	if err := value.As(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNullBlocksBecomeEmpty(t *testing.T) {
	s := schemaOf(nested("disks", list), nested("rules", set), nested("labels", keyed))
	out := travel(t, s, map[string]tftypes.Value{})
	for _, name := range []string{"disks", "rules", "labels"} {
		if out[name].IsNull() {
			t.Errorf("%s is null", name)
		}
	}
	if !out["names"].IsNull() {
		t.Error("an attribute that was not given must stay null: it is no block")
	}
}

func TestNullBlocksInsideBlocksBecomeEmpty(t *testing.T) {
	s := schemaOf(nested("disks", list, nested("tags", set)))
	kind := s.ValueType().(tftypes.Object).AttributeTypes["disks"].(tftypes.List)
	one := kind.ElementType.(tftypes.Object)
	out := travel(t, s, map[string]tftypes.Value{"disks": tftypes.NewValue(kind, []tftypes.Value{
		tftypes.NewValue(one, map[string]tftypes.Value{
			"size": tftypes.NewValue(tftypes.Number, 8), "tags": tftypes.NewValue(one.AttributeTypes["tags"], nil)}),
	})})
	var disks []tftypes.Value
	var disk map[string]tftypes.Value
	if out["disks"].As(&disks) != nil || len(disks) != 1 || disks[0].As(&disk) != nil {
		t.Fatal("the disk is lost")
	}
	if disk["tags"].IsNull() {
		t.Error("tags is null")
	}
	if !disk["size"].Equal(tftypes.NewValue(tftypes.Number, 8)) {
		t.Error("the size is lost")
	}
}

func TestUnknownAndAbsentValuesStay(t *testing.T) {
	s := schemaOf(nested("disks", list))
	kind := s.ValueType().(tftypes.Object).AttributeTypes["disks"]
	out := travel(t, s, map[string]tftypes.Value{"disks": tftypes.NewValue(kind, tftypes.UnknownValue)})
	if out["disks"].IsKnown() {
		t.Error("an unknown block became known")
	}
	if filled(nil, s) != nil {
		t.Error("no value became one")
	}
	whole := tftypes.NewValue(s.ValueType(), nil)
	if !fill(whole, s.Block).IsNull() {
		t.Error("a resource that is gone came back")
	}
}

func TestNullBlocksStayWithoutTheCure(t *testing.T) {
	t.Setenv("MANAGED_SERVER_CURES_OFF", "null-blocks")
	if out := travel(t, schemaOf(nested("disks", list)), map[string]tftypes.Value{}); !out["disks"].IsNull() {
		t.Error("the cure is not switched off")
	}
}
