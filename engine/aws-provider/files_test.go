package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// bundle makes a file and returns its path and what the engine sends of it.
func bundle(t *testing.T, content string) (string, map[string]any) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	path := filepath.Join(t.TempDir(), "bundle.tar")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := asset.FromPath(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, map[string]any{resource.SigKey: resource.AssetSig, "hash": made.Hash, "path": path}
}

// echo answers with what it was given, as the bridge does; it keeps the path, and what it finds there.
type echo struct {
	pulumirpc.UnimplementedResourceProviderServer
	source  string
	content string
	fails   bool
	wait    func()
}

func (e *echo) keep(s *structpb.Struct) {
	e.source = s.Fields["source"].GetStringValue()
	content, _ := os.ReadFile(e.source)
	e.content = string(content)
}

func (e *echo) Check(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	e.keep(r.News)
	return &pulumirpc.CheckResponse{Inputs: r.News}, nil
}

func (e *echo) Create(_ context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	if e.wait != nil {
		e.wait()
	}
	e.keep(r.Properties)
	if e.fails {
		return nil, errors.New("no")
	}
	return &pulumirpc.CreateResponse{Properties: r.Properties}, nil
}

func (e *echo) Read(_ context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	e.keep(r.Properties)
	return &pulumirpc.ReadResponse{Properties: r.Properties, Inputs: r.Inputs}, nil
}

func (e *echo) Update(_ context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	e.keep(r.News)
	return &pulumirpc.UpdateResponse{Properties: r.News}, nil
}

func (e *echo) Diff(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	e.keep(r.News)
	if r.Olds.Fields["source"].GetStringValue() != e.source {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME}, nil
	}
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

func hasAsset(s *structpb.Struct) bool { return isAsset(s.GetFields()["source"]) }

// nothingIsLeft looks into the temporary folder.
func nothingIsLeft(t *testing.T) {
	t.Helper()
	if found, err := os.ReadDir(os.TempDir()); err != nil || len(found) != 0 {
		t.Errorf("left: %v %v", found, err)
	}
}

// sent is what an object is made of.
func sent(t *testing.T, source map[string]any) *structpb.Struct {
	t.Helper()
	return object(t, map[string]any{"source": source})
}

// create makes one, and looks at the answer: what is kept is the asset. update does so with another call.
func create(t *testing.T, server pulumirpc.ResourceProviderServer, source map[string]any, preview bool) {
	t.Helper()
	made, err := server.Create(context.Background(), &pulumirpc.CreateRequest{Preview: preview, Properties: sent(t, source)})
	if err != nil || !hasAsset(made.Properties) {
		t.Errorf("made: %v %v", made, err)
	}
}

func update(t *testing.T, server pulumirpc.ResourceProviderServer, source map[string]any, preview bool) {
	t.Helper()
	changed, err := server.Update(context.Background(), &pulumirpc.UpdateRequest{
		Preview: preview, Olds: object(t, map[string]any{}), News: sent(t, source)})
	if err != nil || !hasAsset(changed.Properties) {
		t.Errorf("updated: %v %v", changed, err)
	}
}

func TestAFileArrivesAsAPathAndStaysAnAssetInTheState(t *testing.T) {
	path, given := bundle(t, "one")
	terraform := &echo{}
	server := newFiles(terraform)
	checked, err := server.Check(context.Background(), &pulumirpc.CheckRequest{
		News: object(t, map[string]any{"source": given, "key": "k"})})
	if err != nil || !hasAsset(checked.Inputs) || checked.Inputs.Fields["key"].GetStringValue() != "k" {
		t.Fatalf("checked: %v %v", checked, err)
	}
	if checked.Inputs.Fields["source"].GetStructValue().Fields["path"].GetStringValue() != path {
		t.Error("the path is lost")
	}
	create(t, server, given, false)
	if terraform.content != "one" {
		t.Errorf("made of %q", terraform.content)
	}
	read, err := server.Read(context.Background(), &pulumirpc.ReadRequest{
		Properties: sent(t, given), Inputs: sent(t, given)})
	if err != nil || !hasAsset(read.Properties) || !hasAsset(read.Inputs) {
		t.Errorf("read: %v %v", read, err)
	}
	terraform.content = ""
	update(t, server, given, false)
	if terraform.content != "one" {
		t.Errorf("updated with %q", terraform.content)
	}
	nothingIsLeft(t)
}

func TestAPreviewNeedsNoFile(t *testing.T) {
	path, given := bundle(t, "one")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	server := newFiles(&echo{})
	create(t, server, given, true)
	update(t, server, given, true)
	nothingIsLeft(t)
}

func TestOneOfTwoWhoUseAFileDoesNotTakeItAway(t *testing.T) {
	_, given := bundle(t, "one")
	inside, goOn, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	slow := &echo{wait: func() { close(inside); <-goOn }}
	server := newFiles(slow)
	go func() { create(t, server, given, false); close(done) }()
	<-inside
	slow.wait = nil
	create(t, server, given, false)
	if slow.content != "one" {
		t.Errorf("the second found %q", slow.content)
	}
	slow.content = ""
	close(goOn)
	<-done
	if slow.content != "one" {
		t.Errorf("the first found %q", slow.content)
	}
	nothingIsLeft(t)
}

func TestOfAnOldFileTheHashIsEnough(t *testing.T) {
	path, given := bundle(t, "one")
	old := map[string]any{resource.SigKey: resource.AssetSig, "hash": given["hash"]}
	server := newFiles(&echo{})
	diff := &pulumirpc.DiffRequest{
		Olds: sent(t, old), News: sent(t, given)}
	if same, err := server.Diff(context.Background(), diff); err != nil || same.Changes != pulumirpc.DiffResponse_DIFF_NONE {
		t.Errorf("the same: %v %v", same, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, other := bundle(t, "two")
	check := &pulumirpc.CheckRequest{
		Olds: sent(t, given), News: sent(t, other)}
	checked, err := server.Check(context.Background(), check)
	if err != nil || checked.Inputs.Fields["source"].GetStructValue().Fields["hash"].GetStringValue() != other["hash"] {
		t.Errorf("the old one's file is gone: %v %v", checked, err)
	}
	diff = &pulumirpc.DiffRequest{
		Olds: sent(t, old), News: sent(t, other)}
	if changed, err := server.Diff(context.Background(), diff); err != nil || changed.Changes != pulumirpc.DiffResponse_DIFF_SOME {
		t.Errorf("another: %v %v", changed, err)
	}
	gone := &pulumirpc.DeleteRequest{Properties: sent(t, old)}
	if _, err := server.Delete(context.Background(), gone); err == nil || !strings.Contains(err.Error(), "not implemented") {
		t.Errorf("it didn't get as far as the provider: %v", err)
	}
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	path, given := bundle(t, "one")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	server := newFiles(&echo{})
	_, err := server.Create(context.Background(), &pulumirpc.CreateRequest{Properties: sent(t, given)})
	if err == nil || !strings.Contains(err.Error(), "source: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

func TestAnErrorBringsNothingBack(t *testing.T) {
	_, given := bundle(t, "one")
	server := newFiles(&echo{fails: true})
	made, err := server.Create(context.Background(), &pulumirpc.CreateRequest{Properties: sent(t, given)})
	if err == nil || made != nil {
		t.Errorf("%v %v", made, err)
	}
	nothingIsLeft(t)
}
