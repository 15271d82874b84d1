package main

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/vendored/tfplugin5"
)

// The two sides hold the same protocol in different types: the wire's (tfplugin5) and the bridge's (tfprotov5).

func toWire(v *tfprotov5.DynamicValue) *tfplugin5.DynamicValue {
	if v == nil {
		return nil
	}
	return &tfplugin5.DynamicValue{Msgpack: v.MsgPack, Json: v.JSON}
}

func fromWire(v *tfplugin5.DynamicValue) *tfprotov5.DynamicValue {
	if v == nil {
		return nil
	}
	return &tfprotov5.DynamicValue{MsgPack: v.Msgpack, JSON: v.Json}
}

func convertPath(p *tfplugin5.AttributePath) *tftypes.AttributePath {
	if p == nil {
		return nil
	}
	path := tftypes.NewAttributePath()
	for _, step := range p.Steps {
		switch s := step.Selector.(type) {
		case *tfplugin5.AttributePath_Step_AttributeName:
			path = path.WithAttributeName(s.AttributeName)
		case *tfplugin5.AttributePath_Step_ElementKeyString:
			path = path.WithElementKeyString(s.ElementKeyString)
		case *tfplugin5.AttributePath_Step_ElementKeyInt:
			path = path.WithElementKeyInt(int(s.ElementKeyInt))
		}
	}
	return path
}

func convertDiagnostics(in []*tfplugin5.Diagnostic) []*tfprotov5.Diagnostic {
	var out []*tfprotov5.Diagnostic
	for _, d := range in {
		out = append(out, &tfprotov5.Diagnostic{
			Severity: tfprotov5.DiagnosticSeverity(d.Severity),
			Summary:  d.Summary, Detail: d.Detail, Attribute: convertPath(d.Attribute),
		})
	}
	return out
}

func convertSchema(r *tfplugin5.GetProviderSchema_Response) (*tfprotov5.GetProviderSchemaResponse, error) {
	out := &tfprotov5.GetProviderSchemaResponse{
		Diagnostics:              convertDiagnostics(r.Diagnostics),
		ResourceSchemas:          map[string]*tfprotov5.Schema{},
		DataSourceSchemas:        map[string]*tfprotov5.Schema{},
		Functions:                map[string]*tfprotov5.Function{},
		EphemeralResourceSchemas: map[string]*tfprotov5.Schema{},
		ServerCapabilities: &tfprotov5.ServerCapabilities{
			PlanDestroy: r.GetServerCapabilities().GetPlanDestroy()},
	}
	var err error
	if out.Provider, err = convertOne(r.Provider); err != nil {
		return nil, err
	}
	if out.ProviderMeta, err = convertOne(r.ProviderMeta); err != nil {
		return nil, err
	}
	for name, schema := range r.ResourceSchemas {
		if out.ResourceSchemas[name], err = convertOne(schema); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, schema := range r.DataSourceSchemas {
		if out.DataSourceSchemas[name], err = convertOne(schema); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

func convertOne(s *tfplugin5.Schema) (*tfprotov5.Schema, error) {
	if s == nil {
		return nil, nil
	}
	block, err := convertBlock(s.Block)
	return &tfprotov5.Schema{Version: s.Version, Block: block}, err
}

func convertBlock(b *tfplugin5.Schema_Block) (*tfprotov5.SchemaBlock, error) {
	if b == nil {
		return nil, nil
	}
	out := &tfprotov5.SchemaBlock{Version: b.Version, Deprecated: b.Deprecated}
	for _, a := range b.Attributes {
		kind, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // the wire has no other form
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.Name, err)
		}
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: a.Name, Type: kind, Required: a.Required, Optional: a.Optional, Computed: a.Computed,
			Sensitive: a.Sensitive, Deprecated: a.Deprecated,
		})
	}
	for _, n := range b.BlockTypes {
		inner, err := convertBlock(n.Block)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.TypeName, err)
		}
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: n.TypeName, Block: inner, Nesting: tfprotov5.SchemaNestedBlockNestingMode(n.Nesting),
			MinItems: n.MinItems, MaxItems: n.MaxItems,
		})
	}
	return out, nil
}
