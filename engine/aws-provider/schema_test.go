package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
)

func TestOnlyWhatTheTableHasIsKept(t *testing.T) {
	schema := wireSchema()
	restrict(schema, tfbridge.ProviderInfo{
		Resources: map[string]*tfbridge.ResourceInfo{"aws_instance": {}},
	})
	if len(schema.ResourceSchemas) != 1 || schema.ResourceSchemas["aws_instance"] == nil ||
		len(schema.DataSourceSchemas) != 0 || schema.Functions != nil || schema.Provider == nil {
		t.Errorf("%v", schema)
	}
}

func TestTheCachesNameFollowsTableAndProvider(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("MANAGED_SERVER_SCHEMA_CACHE", folder)
	provider := filepath.Join(folder, "terraform-provider-aws")
	if err := os.WriteFile(provider, []byte("one"), 0o700); err != nil {
		t.Fatal(err)
	}
	small := tfbridge.ProviderInfo{Resources: map[string]*tfbridge.ResourceInfo{"aws_instance": {}}}
	large := tfbridge.ProviderInfo{Resources: map[string]*tfbridge.ResourceInfo{"aws_instance": {}, "aws_vpc": {}}}
	asData := tfbridge.ProviderInfo{DataSources: map[string]*tfbridge.DataSourceInfo{"aws_instance": {}}}
	first := schemaPath(provider, small)
	if first != schemaPath(provider, small) {
		t.Error("not the same twice")
	}
	if first == schemaPath(provider, large) || first == schemaPath(provider, asData) {
		t.Error("another table has the same name")
	}
	if err := os.WriteFile(provider, []byte("three"), 0o700); err != nil {
		t.Fatal(err)
	}
	if first == schemaPath(provider, small) {
		t.Error("another provider has the same name")
	}
	if schemaPath(filepath.Join(folder, "none"), small) != "" {
		t.Error("a name for a provider that is not there")
	}
	t.Setenv("MANAGED_SERVER_SCHEMA_CACHE", "")
	if schemaPath(provider, small) != "" {
		t.Error("a name without a folder")
	}
}

func TestTheCacheIsWrittenInOneStep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "schema")
	write(path, []byte("content"))
	if got, err := os.ReadFile(path); err != nil || string(got) != "content" {
		t.Errorf("%s %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("%v", left)
	}
	write(filepath.Join(t.TempDir(), "none", "schema"), nil) // a cache that can't be written is no error
}
