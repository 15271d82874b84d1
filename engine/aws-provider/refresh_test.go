package main

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

func object(t *testing.T, fields map[string]any) *structpb.Struct {
	t.Helper()
	out, err := structpb.NewStruct(fields)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hidden(v any) map[string]any {
	return map[string]any{resource.SigKey: resource.SecretSig, "value": v}
}

func TestInputsStayWhereOutputsDo(t *testing.T) {
	before := &pulumirpc.ReadRequest{
		Inputs:     object(t, map[string]any{"userData": "script", "size": 1, "gone": "x", "word": "open"}),
		Properties: object(t, map[string]any{"userData": "hash", "size": 1, "gone": "x", "word": "digest"}),
	}
	after := &pulumirpc.ReadResponse{
		Inputs:     object(t, map[string]any{"userData": "hash", "size": 2, "new": "y", "word": hidden("digest")}),
		Properties: object(t, map[string]any{"userData": "hash", "size": 2, "new": "y", "word": hidden("digest")}),
	}
	keepInputs(before, after)
	got := after.Inputs.AsMap()
	if got["userData"] != "script" {
		t.Errorf("an input became its hash: %v", got["userData"])
	}
	if got["size"] != 2.0 {
		t.Error("a real change is hidden")
	}
	if _, back := got["gone"]; back || got["new"] != "y" {
		t.Error("what came or went is hidden")
	}
	word, _ := got["word"].(map[string]any)
	if word[resource.SigKey] != resource.SecretSig || word["value"] != "open" {
		t.Errorf("a secret is laid open, or lost: %v", got["word"])
	}
}

func TestARealChangeOfAHashedPropertyShows(t *testing.T) {
	before := &pulumirpc.ReadRequest{
		Inputs: object(t, map[string]any{"userData": "script"}), Properties: object(t, map[string]any{"userData": "hash"})}
	after := &pulumirpc.ReadResponse{
		Inputs: object(t, map[string]any{"userData": "other"}), Properties: object(t, map[string]any{"userData": "other"})}
	keepInputs(before, after)
	if after.Inputs.AsMap()["userData"] != "other" {
		t.Error("hidden")
	}
}

func TestAnImportHasNoInputsToKeep(t *testing.T) {
	after := &pulumirpc.ReadResponse{Inputs: object(t, map[string]any{"a": "b"})}
	keepInputs(&pulumirpc.ReadRequest{}, after)
	keepInputs(&pulumirpc.ReadRequest{Inputs: object(t, map[string]any{"a": "c"})}, &pulumirpc.ReadResponse{})
	if after.Inputs.AsMap()["a"] != "b" {
		t.Error("changed")
	}
}
