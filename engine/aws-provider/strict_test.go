package main

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

var machine = map[string]property{
	"name": {Input: true},
	"tags": {Input: true},
	"disks": {Input: true, List: true, Fields: map[string]property{
		"size": {Input: true},
		"key":  {Input: true, Fields: map[string]property{"arn": {Input: true}}},
	}},
}

func TestUnknownProperties(t *testing.T) {
	envelope := func(v any) map[string]any {
		return map[string]any{resource.SigKey: resource.SecretSig, "value": v}
	}
	tests := map[string]struct {
		given map[string]any
		want  []string
	}{
		"known":              {map[string]any{"name": "x", "disks": []any{map[string]any{"size": 1.0}}}, nil},
		"top":                {map[string]any{"region": "x", "zone": "y"}, []string{"region", "zone"}},
		"nested in a list":   {map[string]any{"disks": []any{map[string]any{"sise": 1.0}}}, []string{"disks.sise"}},
		"nested twice":       {map[string]any{"disks": []any{map[string]any{"key": map[string]any{"id": ""}}}}, []string{"disks.key.id"}},
		"in a secret":        {map[string]any{"disks": envelope([]any{map[string]any{"sise": 1.0}})}, []string{"disks.sise"}},
		"in JSON":            {map[string]any{"disks": `[{"size": 1, "key_id": "x"}]`}, []string{"disks.key_id"}},
		"keys of a map":      {map[string]any{"tags": map[string]any{"Any": "x"}}, nil},
		"Pulumi's own":       {map[string]any{"__defaults": []any{}}, nil},
		"an unknown value":   {map[string]any{"disks": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, nil},
		"a list of unknowns": {map[string]any{"disks": []any{"04da6b54-80e4-46f7-96ec-b56ff0331ba9"}}, nil},
		"an output":          {map[string]any{"disks": map[string]any{resource.SigKey: resource.OutputValueSig}}, nil},
		"null":               {map[string]any{"disks": nil}, nil},
	}
	for name, test := range tests {
		if got := unknown(test.given, machine); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, not %v", name, got, test.want)
		}
	}
}

// inner is a provider that accepts everything.
type inner struct {
	pulumirpc.UnimplementedResourceProviderServer
}

func (inner) Check(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.News}, nil
}

func (inner) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.News}, nil
}

func (inner) Invoke(context.Context, *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return &pulumirpc.InvokeResponse{}, nil
}

func TestEveryCallRefusesWithNameAndType(t *testing.T) {
	s := &strict{ResourceProviderServer: inner{}, known: map[string]map[string]property{
		"": machine, "aws:ec2/instance:Instance": machine, "aws:ec2/getAmi:getAmi": machine}}
	wrong, err := structpb.NewStruct(map[string]any{"colour": "red"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	check, err := s.Check(ctx, &pulumirpc.CheckRequest{
		Urn: "urn:pulumi:s::p::aws:ec2/instance:Instance::web", News: wrong})
	if err != nil {
		t.Fatal(err)
	}
	config, err := s.CheckConfig(ctx, &pulumirpc.CheckRequest{News: wrong})
	if err != nil {
		t.Fatal(err)
	}
	invoke, err := s.Invoke(ctx, &pulumirpc.InvokeRequest{Tok: "aws:ec2/getAmi:getAmi", Args: wrong})
	if err != nil {
		t.Fatal(err)
	}
	for what, failures := range map[string][]*pulumirpc.CheckFailure{
		"aws:ec2/instance:Instance": check.Failures, "the aws provider": config.Failures,
		"aws:ec2/getAmi:getAmi": invoke.Failures,
	} {
		if len(failures) != 1 || !strings.Contains(failures[0].Reason, what) ||
			!strings.Contains(failures[0].Reason, `"colour"`) {
			t.Errorf("%s: %v", what, failures)
		}
	}
}

func TestTheEnginesOwnSettingsAreAcceptedInTheProviderAlone(t *testing.T) {
	own, err := structpb.NewStruct(map[string]any{"version": "7.51.1", "pluginDownloadURL": "x"})
	if err != nil {
		t.Fatal(err)
	}
	s := &strict{ResourceProviderServer: inner{}, known: map[string]map[string]property{"": machine, "aws:x:Y": machine}}
	config, err := s.CheckConfig(context.Background(), &pulumirpc.CheckRequest{News: own})
	if err != nil || len(config.Failures) != 0 {
		t.Errorf("%v %v", config, err)
	}
	check, err := s.Check(context.Background(), &pulumirpc.CheckRequest{Urn: "urn:pulumi:s::p::aws:x:Y::n", News: own})
	if err != nil || len(check.Failures) != 2 {
		t.Errorf("%v %v", check, err)
	}
}

func TestTypesThatTheTableLacksAreLeftToTheBridge(t *testing.T) {
	s := &strict{ResourceProviderServer: inner{}, known: map[string]map[string]property{"aws:x:Y": nil}}
	news, _ := structpb.NewStruct(map[string]any{"anything": 1})
	response, err := s.Check(context.Background(), &pulumirpc.CheckRequest{Urn: "urn:pulumi:s::p::aws:x:Y::n", News: news})
	if err != nil || len(response.Failures) != 0 {
		t.Errorf("%v %v", response, err)
	}
}
