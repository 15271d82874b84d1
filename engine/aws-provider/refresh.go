package main

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// steady keeps an input as it was where a refresh finds its output unchanged.
//
// The bridge takes a resource's inputs from what the Terraform provider reads. For some properties that is not what
// was given: an instance's user data is stored as a hash. So the first refresh puts the hash into the inputs, each
// later one hashes the hash, and the engine reports an update although nothing differs.
type steady struct {
	pulumirpc.ResourceProviderServer
}

func newSteady(server pulumirpc.ResourceProviderServer) pulumirpc.ResourceProviderServer {
	if off("refresh") {
		return server
	}
	return &steady{server}
}

func (s *steady) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	response, err := s.ResourceProviderServer.Read(ctx, r)
	if err == nil {
		keepInputs(r, response)
	}
	return response, err
}

func keepInputs(before *pulumirpc.ReadRequest, after *pulumirpc.ReadResponse) {
	for name, input := range before.GetInputs().GetFields() {
		read, found := after.GetInputs().GetFields()[name]
		if !found {
			continue // gone, or not an input: the bridge decides
		}
		was, is := before.GetProperties().GetFields()[name], after.GetProperties().GetFields()[name]
		if was == nil || is == nil || !proto.Equal(plain(was), plain(is)) {
			continue
		}
		if secret(read) && !secret(input) {
			input = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
				resource.SigKey: structpb.NewStringValue(resource.SecretSig), "value": input,
			}})
		}
		after.Inputs.Fields[name] = input
	}
}

func secret(v *structpb.Value) bool {
	return signed(v, resource.SecretSig)
}

// signed tells whether a value is of a special kind: such have a signature.
func signed(v *structpb.Value, kind string) bool {
	return v.GetStructValue().GetFields()[resource.SigKey].GetStringValue() == kind
}

// plain returns the value without the envelopes of secrets in it, which one side may have and the other not.
func plain(v *structpb.Value) *structpb.Value {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_ListValue:
		values := make([]*structpb.Value, len(kind.ListValue.GetValues()))
		for i, item := range kind.ListValue.GetValues() {
			values[i] = plain(item)
		}
		return structpb.NewListValue(&structpb.ListValue{Values: values})
	case *structpb.Value_StructValue:
		if secret(v) {
			return plain(kind.StructValue.Fields["value"])
		}
		inner := make(map[string]*structpb.Value, len(kind.StructValue.GetFields()))
		for name, item := range kind.StructValue.GetFields() {
			inner[name] = plain(item)
		}
		return structpb.NewStructValue(&structpb.Struct{Fields: inner})
	}
	return v
}
