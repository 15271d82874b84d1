package main

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/vendored/tfplugin5"
)

func wireSchema() *tfplugin5.GetProviderSchema_Response {
	disk := &tfplugin5.Schema_NestedBlock{
		TypeName: "disk", Nesting: tfplugin5.Schema_NestedBlock_SET, MinItems: 1, MaxItems: 2,
		Block: &tfplugin5.Schema_Block{Attributes: []*tfplugin5.Schema_Attribute{
			{Name: "size", Type: []byte(`"number"`), Required: true}}},
	}
	machine := &tfplugin5.Schema{Version: 3, Block: &tfplugin5.Schema_Block{
		Attributes: []*tfplugin5.Schema_Attribute{
			{Name: "id", Type: []byte(`"string"`), Computed: true},
			{Name: "key", Type: []byte(`["map","string"]`), Optional: true, Sensitive: true, Deprecated: true},
		},
		BlockTypes: []*tfplugin5.Schema_NestedBlock{disk},
	}}
	return &tfplugin5.GetProviderSchema_Response{
		Provider:           machine,
		ResourceSchemas:    map[string]*tfplugin5.Schema{"aws_instance": machine, "aws_other": machine},
		DataSourceSchemas:  map[string]*tfplugin5.Schema{"aws_ami": machine},
		Functions:          map[string]*tfplugin5.Function{"f": {}},
		ServerCapabilities: &tfplugin5.ServerCapabilities{PlanDestroy: true},
	}
}

func TestSchemaKeepsItsFacts(t *testing.T) {
	out, err := convertSchema(wireSchema())
	if err != nil {
		t.Fatal(err)
	}
	got := out.ResourceSchemas["aws_instance"]
	if got.Version != 3 || !out.ServerCapabilities.PlanDestroy {
		t.Error("version or capabilities are lost")
	}
	key := got.Block.Attributes[1]
	if !key.Optional || !key.Sensitive || !key.Deprecated || !key.Type.Is(tftypes.Map{ElementType: tftypes.String}) {
		t.Errorf("attribute: %+v", key)
	}
	disk := got.Block.BlockTypes[0]
	if disk.Nesting != tfprotov5.SchemaNestedBlockNestingModeSet || disk.MinItems != 1 || disk.MaxItems != 2 {
		t.Errorf("block: %+v", disk)
	}
	if !disk.Block.Attributes[0].Required || !disk.Block.Attributes[0].Type.Is(tftypes.Number) {
		t.Errorf("nested attribute: %+v", disk.Block.Attributes[0])
	}
}

func TestAWrongTypeIsAnErrorThatNamesIt(t *testing.T) {
	schema := wireSchema()
	schema.ResourceSchemas["aws_instance"].Block.Attributes[0].Type = []byte("nonsense")
	if _, err := convertSchema(schema); err == nil {
		t.Error("no error")
	}
}

func TestPathsAndDiagnostics(t *testing.T) {
	name := &tfplugin5.AttributePath_Step{Selector: &tfplugin5.AttributePath_Step_AttributeName{AttributeName: "rules"}}
	index := &tfplugin5.AttributePath_Step{Selector: &tfplugin5.AttributePath_Step_ElementKeyInt{ElementKeyInt: 2}}
	key := &tfplugin5.AttributePath_Step{Selector: &tfplugin5.AttributePath_Step_ElementKeyString{ElementKeyString: "k"}}
	path := &tfplugin5.AttributePath{Steps: []*tfplugin5.AttributePath_Step{name, index, key}}
	want := tftypes.NewAttributePath().WithAttributeName("rules").WithElementKeyInt(2).WithElementKeyString("k")
	if got := convertPath(path); !got.Equal(want) {
		t.Errorf("%s", got)
	}
	if convertPath(nil) != nil {
		t.Error("a path out of nothing")
	}
	got := convertDiagnostics([]*tfplugin5.Diagnostic{
		{Severity: tfplugin5.Diagnostic_ERROR, Summary: "s", Detail: "d", Attribute: path}})
	if len(got) != 1 || got[0].Severity != tfprotov5.DiagnosticSeverityError || got[0].Summary != "s" ||
		got[0].Detail != "d" || !got[0].Attribute.Equal(want) {
		t.Errorf("%+v", got)
	}
}

func TestValuesTravelBothWays(t *testing.T) {
	value := &tfprotov5.DynamicValue{MsgPack: []byte{1}, JSON: []byte("2")}
	back := fromWire(toWire(value))
	if string(back.MsgPack) != "\x01" || string(back.JSON) != "2" {
		t.Errorf("%+v", back)
	}
	if toWire(nil) != nil || fromWire(nil) != nil {
		t.Error("a value out of nothing")
	}
}
