package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// property is one property as Pulumi sees it. Its JSON form is what tests compare with pulumi_aws.
type property struct {
	List     bool                `json:"list"`
	Input    bool                `json:"input"`
	Document bool                `json:"document"` // may be given as an object instead of JSON text
	Fields   map[string]property `json:"fields"`   // nil where nothing is nested
}

// properties lists what a schema has, by Pulumi name, with all that is nested in it.
func properties(schema shim.SchemaMap, infos fields) map[string]property {
	out := map[string]property{}
	schema.Range(func(name string, s shim.Schema) bool {
		single := tfbridge.IsMaxItemsOne(s, infos[name])
		p := property{
			Input: s.Required() || s.Optional(),
			List:  (s.Type() == shim.TypeList || s.Type() == shim.TypeSet) && !single,
		}
		var nested fields
		if info := infos[name]; info != nil {
			nested = info.Fields
			if info.Elem != nil {
				nested = info.Elem.Fields
			}
		}
		if inner := elements(s); inner != nil {
			p.Fields = properties(inner, nested)
		}
		out[tfbridge.TerraformToPulumiNameV2(name, schema, infos)] = p
		return true
	})
	return out
}

// elements returns the schema of a block's or an object's fields, or nil for what has none.
func elements(s shim.Schema) shim.SchemaMap {
	switch elem := s.Elem().(type) {
	case shim.Resource:
		return elem.Schema()
	case shim.Schema:
		if inner, ok := elem.Elem().(shim.Resource); ok {
			return inner.Schema()
		}
	}
	return nil
}

// allNames lists the properties of all types: resources and functions by token, and the provider's own.
func allNames(info tfbridge.ProviderInfo) map[string]map[string]map[string]property {
	resources, functions := map[string]map[string]property{}, map[string]map[string]property{}
	for name, r := range info.Resources {
		found := properties(info.P.ResourcesMap().Get(name).Schema(), r.Fields)
		for _, name := range documents[string(r.Tok)] {
			p := found[string(name)]
			p.Document = true
			found[string(name)] = p
		}
		resources[string(r.Tok)] = found
	}
	for name, d := range info.DataSources {
		functions[string(d.Tok)] = properties(info.P.DataSourcesMap().Get(name).Schema(), d.Fields)
	}
	return map[string]map[string]map[string]property{
		"resources": resources, "functions": functions,
		"provider": {"aws": properties(info.P.Schema(), info.Config)},
	}
}
