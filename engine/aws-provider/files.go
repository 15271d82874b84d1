package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// files lets a program give an asset where Terraform wants the path of a file, as Pulumi's own provider does.
//
// The bridge translates assets in its half for Terraform's older protocol alone. Here each has the path that follows
// from its hash, so one that hasn't changed is no difference; a file is there while something is made of it. What a
// state keeps is the asset as it was given: its hash, and the program's own path.
type files struct {
	pulumirpc.ResourceProviderServer
	folder string // of this process: another one would remove what is in use here
	lock   sync.Mutex
	used   map[string]int // path -> calls that work with it
}

func newFiles(server pulumirpc.ResourceProviderServer) pulumirpc.ResourceProviderServer {
	if off("files") {
		return server
	}
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("pulumi-resource-aws-%d", os.Getpid()))
	return &files{ResourceProviderServer: server, folder: folder, used: map[string]int{}}
}

// assets are those that one call brought, by property.
type assets map[string]*structpb.Value

func isAsset(v *structpb.Value) bool { return signed(v, resource.AssetSig) }

// path is that of the file that an asset stands for.
func (f *files) path(asset *structpb.Value) string {
	return filepath.Join(f.folder, asset.GetStructValue().GetFields()["hash"].GetStringValue())
}

// toPaths puts paths in the place of assets, and returns the assets; of several of a name the last.
func (f *files) toPaths(all ...*structpb.Struct) assets {
	given := assets{}
	for _, properties := range all {
		for name, value := range properties.GetFields() {
			if isAsset(value) {
				given[name] = proto.Clone(value).(*structpb.Value)
				properties.Fields[name] = structpb.NewStringValue(f.path(value))
			}
		}
	}
	return given
}

// toAssets undoes it in an answer.
func (a assets) toAssets(all ...*structpb.Struct) {
	for _, properties := range all {
		for name, value := range a {
			if _, found := properties.GetFields()[name].GetKind().(*structpb.Value_StringValue); found {
				properties.Fields[name] = value
			}
		}
	}
}

// with does something while the files of assets are there; a preview needs none.
func (f *files) with(given assets, preview bool, do func()) error {
	if preview {
		do()
		return nil
	}
	for name, value := range given {
		if err := f.write(value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer f.remove(f.path(value))
	}
	do()
	return nil
}

func (f *files) write(value *structpb.Value) error {
	f.lock.Lock()
	defer f.lock.Unlock()
	path := f.path(value)
	if f.used[path] == 0 {
		if err := f.lay(value, path); err != nil {
			_, _ = os.Remove(path), os.Remove(f.folder)
			return err
		}
	}
	f.used[path]++
	return nil
}

func (f *files) lay(value *structpb.Value, path string) error {
	asset, _, err := resource.DeserializeAsset(value.GetStructValue().AsMap())
	if err != nil {
		return err
	}
	content, err := asset.Read()
	if err != nil {
		return err
	}
	defer content.Close()
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func (f *files) remove(path string) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.used[path]--; f.used[path] == 0 {
		delete(f.used, path)
		_, _ = os.Remove(path), os.Remove(f.folder) // the folder stays while it has others
	}
}

func (f *files) Check(ctx context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	f.toPaths(r.Olds)
	given := f.toPaths(r.News)
	response, err := f.ResourceProviderServer.Check(ctx, r)
	given.toAssets(response.GetInputs())
	return response, err
}

func (f *files) Diff(ctx context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	f.toPaths(r.Olds, r.OldInputs, r.News)
	return f.ResourceProviderServer.Diff(ctx, r)
}

func (f *files) Create(ctx context.Context, r *pulumirpc.CreateRequest) (response *pulumirpc.CreateResponse, err error) {
	given := f.toPaths(r.Properties)
	unreadable := f.with(given, r.Preview, func() { response, err = f.ResourceProviderServer.Create(ctx, r) })
	if unreadable != nil {
		return nil, unreadable
	}
	given.toAssets(response.GetProperties())
	return response, err
}

func (f *files) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	given := f.toPaths(r.Properties, r.Inputs)
	response, err := f.ResourceProviderServer.Read(ctx, r)
	given.toAssets(response.GetProperties(), response.GetInputs())
	return response, err
}

func (f *files) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (response *pulumirpc.UpdateResponse, err error) {
	f.toPaths(r.Olds, r.OldInputs)
	given := f.toPaths(r.News)
	unreadable := f.with(given, r.Preview, func() { response, err = f.ResourceProviderServer.Update(ctx, r) })
	if unreadable != nil {
		return nil, unreadable
	}
	given.toAssets(response.GetProperties())
	return response, err
}

func (f *files) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	f.toPaths(r.Properties, r.OldInputs)
	return f.ResourceProviderServer.Delete(ctx, r)
}
