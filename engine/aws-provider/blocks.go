package main

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// fill replaces null by an empty collection in every list, set and map block of a value, at any depth.
// Terraform's core never sends null for an absent block, and the AWS provider relies on that: it panics, and
// everything in flight fails with EOF. The bridge sends null.
func fill(v tftypes.Value, b *tfprotov5.SchemaBlock) tftypes.Value {
	if v.IsNull() || !v.IsKnown() || b == nil {
		return v
	}
	var object map[string]tftypes.Value
	if v.As(&object) != nil {
		return v
	}
	for _, nested := range b.BlockTypes {
		inner, found := object[nested.TypeName]
		if !found || !inner.IsKnown() {
			continue
		}
		switch nested.Nesting {
		case tfprotov5.SchemaNestedBlockNestingModeList, tfprotov5.SchemaNestedBlockNestingModeSet:
			items := []tftypes.Value{}
			if !inner.IsNull() && inner.As(&items) != nil {
				continue
			}
			for i := range items {
				items[i] = fill(items[i], nested.Block)
			}
			object[nested.TypeName] = tftypes.NewValue(inner.Type(), items)
		case tfprotov5.SchemaNestedBlockNestingModeMap:
			items := map[string]tftypes.Value{}
			if !inner.IsNull() && inner.As(&items) != nil {
				continue
			}
			for key := range items {
				items[key] = fill(items[key], nested.Block)
			}
			object[nested.TypeName] = tftypes.NewValue(inner.Type(), items)
		default:
			object[nested.TypeName] = fill(inner, nested.Block)
		}
	}
	return tftypes.NewValue(v.Type(), object)
}

// filled is fill for a value as it travels.
func filled(v *tfprotov5.DynamicValue, s *tfprotov5.Schema) *tfprotov5.DynamicValue {
	if v == nil || s == nil || off("null-blocks") {
		return v
	}
	kind := s.ValueType()
	value, err := v.Unmarshal(kind)
	if err != nil {
		return v // the provider says better than we could what is wrong with it
	}
	out, err := tfprotov5.NewDynamicValue(kind, fill(value, s.Block))
	if err != nil {
		return v
	}
	return &out
}
