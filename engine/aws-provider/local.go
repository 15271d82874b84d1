package main

import (
	"math/big"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// endpoint names the variable that points this provider at a local AWS. What such an AWS needs is put in here, and
// nowhere else: the program and its state never hold it, so a new port is no change.
const endpoint = "MANAGED_SERVER_AWS_ENDPOINT"

// services are those that the table's resources call.
var services = []string{
	"accessanalyzer", "backup", "cloudtrail", "cloudwatch", "ec2", "iam", "kms", "logs", "s3", "s3control",
	"secretsmanager", "sns", "ssm", "sts",
}

func forLocalAWS(v *tfprotov5.DynamicValue, s *tfprotov5.Schema) (*tfprotov5.DynamicValue, error) {
	url := os.Getenv(endpoint)
	if url == "" || v == nil {
		return v, nil
	}
	kind := s.ValueType()
	value, err := v.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	var object map[string]tftypes.Value
	if err := value.As(&object); err != nil {
		return nil, err
	}
	for name, setting := range map[string]any{
		"skip_credentials_validation": true,
		"skip_metadata_api_check":     "true",
		"skip_region_validation":      true,
		"s3_use_path_style":           true,            // no name resolves to a bucket here
		"max_retries":                 big.NewFloat(3), // what is not implemented would be retried for minutes
	} {
		object[name] = tftypes.NewValue(object[name].Type(), setting)
	}
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" && object["access_key"].IsNull() && object["profile"].IsNull() {
		object["access_key"] = tftypes.NewValue(tftypes.String, "local")
		object["secret_key"] = tftypes.NewValue(tftypes.String, "local")
	}
	if err := setEndpoints(object, url); err != nil {
		return nil, err
	}
	out, err := tfprotov5.NewDynamicValue(kind, tftypes.NewValue(kind, object))
	return &out, err
}

func setEndpoints(object map[string]tftypes.Value, url string) error {
	set, ok := object["endpoints"].Type().(tftypes.Set)
	if !ok {
		return nil
	}
	one, ok := set.ElementType.(tftypes.Object)
	if !ok {
		return nil
	}
	entries := map[string]tftypes.Value{}
	for name, kind := range one.AttributeTypes {
		entries[name] = tftypes.NewValue(kind, nil)
	}
	for _, service := range services {
		if _, found := entries[service]; found {
			entries[service] = tftypes.NewValue(tftypes.String, url)
		}
	}
	object["endpoints"] = tftypes.NewValue(set, []tftypes.Value{tftypes.NewValue(one, entries)})
	return nil
}
