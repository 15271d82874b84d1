package main

import (
	"context"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

type fields = map[string]*tfbridge.SchemaInfo

// one says that Pulumi has a single object where Terraform has a list of at most one.
var one = &tfbridge.SchemaInfo{MaxItemsOne: tfbridge.True()}

// of gives names to the fields of a block's elements.
func of(f fields) *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{Elem: &tfbridge.SchemaInfo{Fields: f}}
}

// res maps a resource to its Pulumi type, aws:module/name:Name.
func res(module, name string, overrides ...fields) *tfbridge.ResourceInfo {
	lower := string(name[0]|0x20) + name[1:]
	info := &tfbridge.ResourceInfo{Tok: tokens.Type("aws:" + module + "/" + lower + ":" + name)}
	for _, f := range overrides {
		info.Fields = f
	}
	return info
}

// fn maps a data source to its Pulumi function.
func fn(module, name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember("aws:" + module + "/" + name + ":" + name)}
}

// before adds a step that runs before a resource's inputs are checked.
func before(r *tfbridge.ResourceInfo, step func(resource.PropertyMap) error) {
	earlier := r.PreCheckCallback
	r.PreCheckCallback = func(ctx context.Context, in, meta resource.PropertyMap) (resource.PropertyMap, error) {
		if earlier != nil {
			var err error
			if in, err = earlier(ctx, in, meta); err != nil {
				return nil, err
			}
		}
		return in, step(in)
	}
}

// documents lists what document was called for, by token.
var documents = map[string][]resource.PropertyKey{}

// document lets properties be given as an object as well as JSON text, as Pulumi's own provider does.
func document(r *tfbridge.ResourceInfo, properties ...resource.PropertyKey) *tfbridge.ResourceInfo {
	if off("documents") {
		return r
	}
	documents[string(r.Tok)] = properties
	before(r, func(in resource.PropertyMap) error {
		for _, property := range properties {
			value, found := in[property]
			if !found {
				continue
			}
			secret := value.ContainsSecrets()
			for value.IsSecret() {
				value = value.SecretValue().Element
			}
			if !value.IsObject() {
				continue
			}
			text, err := tfbridge.TransformJSONDocument(value)
			if err != nil {
				return err
			}
			if secret {
				text = resource.MakeSecret(text)
			}
			in[property] = text
		}
		return nil
	})
	return r
}

// noNameWherePrefixed gives no automatic name where a prefix for one is given: the two conflict, and the protocol does
// not say so.
func noNameWherePrefixed(info tfbridge.ProviderInfo) {
	for _, r := range info.Resources {
		for name, prefix := range map[string]resource.PropertyKey{"name": "namePrefix", "bucket": "bucketPrefix"} {
			schema := r.Fields[name]
			if schema == nil || schema.Default == nil || !schema.Default.AutoNamed {
				continue
			}
			automatic := schema.Default.ComputeDefault
			schema.Default.ComputeDefault = func(ctx context.Context, o tfbridge.ComputeDefaultOptions) (any, error) {
				if _, prefixed := o.Properties[prefix]; prefixed {
					return nil, nil
				}
				return automatic(ctx, o)
			}
		}
	}
}

// withoutOverrides leaves the bridge's automatic names, for the test that shows that they are not Pulumi's.
func withoutOverrides(info *tfbridge.ProviderInfo) {
	info.Config = nil
	for _, r := range info.Resources {
		r.Fields = nil
	}
}
