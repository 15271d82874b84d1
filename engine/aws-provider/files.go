package main

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// files lets a program give an asset where Terraform wants the path of a file, as Pulumi's own provider does.
//
// The bridge's half for Terraform's newer protocol has no translation of assets, its other half has: that one is used
// here. So what a state keeps of a file is its hash and the path that the program gave.
type files struct {
	pulumirpc.ResourceProviderServer
}

func newFiles(server pulumirpc.ResourceProviderServer) pulumirpc.ResourceProviderServer {
	if off("files") {
		return server
	}
	return &files{server}
}

// assets are those that one call brought, by property.
type assets map[string]*structpb.Value

// toPaths puts in the place of each asset the path of a file with its contents.
func (a assets) toPaths(all ...*structpb.Struct) error {
	for _, properties := range all {
		for name, value := range properties.GetFields() {
			if !isAsset(value) {
				continue
			}
			asset, _, err := resource.DeserializeAsset(value.GetStructValue().AsMap())
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			path, err := (&tfbridge.AssetTranslation{Kind: tfbridge.FileAsset}).TranslateAsset(asset)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			a[name] = value
			properties.Fields[name] = structpb.NewStringValue(path.(string))
		}
	}
	return nil
}

func isAsset(v *structpb.Value) bool {
	return v.GetStructValue().GetFields()[resource.SigKey].GetStringValue() == resource.AssetSig
}

// withoutContents leaves of assets what their path follows from, the hash. The file of an old one may be gone since.
func withoutContents(all ...*structpb.Struct) {
	for _, properties := range all {
		for _, value := range properties.GetFields() {
			if isAsset(value) {
				for _, content := range []string{resource.AssetPathProperty, resource.AssetTextProperty, resource.AssetURIProperty} {
					delete(value.GetStructValue().Fields, content)
				}
			}
		}
	}
}

// fromPaths undoes it in an answer.
func (a assets) fromPaths(all ...*structpb.Struct) {
	for _, properties := range all {
		for name, value := range a {
			if _, found := properties.GetFields()[name].GetKind().(*structpb.Value_StringValue); found {
				properties.Fields[name] = value
			}
		}
	}
}

func (f *files) Check(ctx context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	new := assets{}
	for name, value := range r.News.GetFields() {
		if isAsset(value) {
			new[name] = proto.Clone(value).(*structpb.Value)
		}
	}
	withoutContents(r.Olds, r.News) // a preview writes nothing
	if err := (assets{}).toPaths(r.Olds, r.News); err != nil {
		return nil, err
	}
	response, err := f.ResourceProviderServer.Check(ctx, r)
	new.fromPaths(response.GetInputs())
	return response, err
}

func (f *files) Diff(ctx context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	if err := (assets{}).toPaths(r.Olds, r.OldInputs, r.News); err != nil {
		return nil, err
	}
	return f.ResourceProviderServer.Diff(ctx, r)
}

func (f *files) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	given := assets{}
	if err := given.toPaths(r.Properties); err != nil {
		return nil, err
	}
	response, err := f.ResourceProviderServer.Create(ctx, r)
	given.fromPaths(response.GetProperties())
	return response, err
}

func (f *files) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	given := assets{}
	if err := given.toPaths(r.Properties, r.Inputs); err != nil {
		return nil, err
	}
	response, err := f.ResourceProviderServer.Read(ctx, r)
	given.fromPaths(response.GetProperties(), response.GetInputs())
	return response, err
}

func (f *files) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	given := assets{}
	if err := given.toPaths(r.Olds, r.OldInputs, r.News); err != nil {
		return nil, err
	}
	response, err := f.ResourceProviderServer.Update(ctx, r)
	given.fromPaths(response.GetProperties())
	return response, err
}

func (f *files) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	if err := (assets{}).toPaths(r.Properties, r.OldInputs); err != nil {
		return nil, err
	}
	return f.ResourceProviderServer.Delete(ctx, r)
}
