package main

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func providerSchema() *tfprotov5.Schema {
	attribute := func(name string, kind tftypes.Type) *tfprotov5.SchemaAttribute {
		return &tfprotov5.SchemaAttribute{Name: name, Type: kind, Optional: true}
	}
	return &tfprotov5.Schema{Block: &tfprotov5.SchemaBlock{
		Attributes: []*tfprotov5.SchemaAttribute{
			attribute("region", tftypes.String), attribute("profile", tftypes.String),
			attribute("access_key", tftypes.String), attribute("secret_key", tftypes.String),
			attribute("skip_credentials_validation", tftypes.Bool), attribute("skip_metadata_api_check", tftypes.String),
			attribute("skip_region_validation", tftypes.Bool), attribute("s3_use_path_style", tftypes.Bool),
			attribute("max_retries", tftypes.Number),
		},
		BlockTypes: []*tfprotov5.SchemaNestedBlock{{
			TypeName: "endpoints", Nesting: tfprotov5.SchemaNestedBlockNestingModeSet,
			Block: &tfprotov5.SchemaBlock{Attributes: []*tfprotov5.SchemaAttribute{
				attribute("ec2", tftypes.String), attribute("sts", tftypes.String), attribute("unused", tftypes.String)}},
		}},
	}}
}

func configured(t *testing.T, given map[string]tftypes.Value) map[string]tftypes.Value {
	t.Helper()
	schema := providerSchema()
	kind := schema.ValueType().(tftypes.Object)
	for name, inner := range kind.AttributeTypes {
		if _, found := given[name]; !found {
			given[name] = tftypes.NewValue(inner, nil)
		}
	}
	sent, err := tfprotov5.NewDynamicValue(kind, tftypes.NewValue(kind, given))
	if err != nil {
		t.Fatal(err)
	}
	got, err := forLocalAWS(&sent, schema)
	if err != nil {
		t.Fatal(err)
	}
	value, err := got.Unmarshal(kind)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]tftypes.Value
	if err := value.As(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func text(v tftypes.Value) string {
	var s string
	_ = v.As(&s)
	return s
}

func TestALocalAWSGetsWhatItNeeds(t *testing.T) {
	t.Setenv(endpoint, "http://127.0.0.1:4599")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	out := configured(t, map[string]tftypes.Value{"region": tftypes.NewValue(tftypes.String, "eu-west-2")})
	var path bool
	if out["s3_use_path_style"].As(&path) != nil || !path {
		t.Error("no path style")
	}
	if text(out["region"]) != "eu-west-2" || text(out["access_key"]) == "" || text(out["secret_key"]) == "" {
		t.Error("region or keys")
	}
	if !out["max_retries"].Equal(tftypes.NewValue(tftypes.Number, 3)) {
		t.Errorf("retries: %s", out["max_retries"])
	}
	var blocks []tftypes.Value
	var services map[string]tftypes.Value
	if out["endpoints"].As(&blocks) != nil || len(blocks) != 1 || blocks[0].As(&services) != nil {
		t.Fatalf("endpoints: %s", out["endpoints"])
	}
	for name, want := range map[string]string{"ec2": "http://127.0.0.1:4599", "sts": "http://127.0.0.1:4599", "unused": ""} {
		if text(services[name]) != want {
			t.Errorf("%s: %s", name, services[name])
		}
	}
}

func TestGivenKeysStay(t *testing.T) {
	t.Setenv(endpoint, "http://127.0.0.1:4599")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	out := configured(t, map[string]tftypes.Value{"access_key": tftypes.NewValue(tftypes.String, "mine")})
	if text(out["access_key"]) != "mine" || !out["secret_key"].IsNull() {
		t.Error("overwritten")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "theirs")
	if out = configured(t, map[string]tftypes.Value{}); !out["access_key"].IsNull() {
		t.Error("the environment's keys are hidden")
	}
}

func TestWithoutALocalAWSNothingIsPutIn(t *testing.T) {
	t.Setenv(endpoint, "")
	for name, value := range configured(t, map[string]tftypes.Value{}) {
		if !value.IsNull() {
			t.Errorf("%s: %s", name, value)
		}
	}
}
