package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/vendored/tfplugin5"
	"google.golang.org/protobuf/proto"
)

// cachedSchema returns the schema of the types in the table. The whole one has 1,500 types and takes most of a
// second to move and convert; what is left of it is kept on disk.
func cachedSchema(ctx context.Context, t *terraform, info tfbridge.ProviderInfo) (*tfprotov5.GetProviderSchemaResponse, error) {
	path := schemaPath(t.path, info)
	if path != "" {
		if content, err := os.ReadFile(path); err == nil {
			schema := &tfplugin5.GetProviderSchema_Response{}
			if proto.Unmarshal(content, schema) == nil && len(schema.ResourceSchemas) == len(info.Resources) {
				return convertSchema(schema)
			}
		}
	}
	schema, err := t.schema(ctx)
	if err != nil {
		return nil, err
	}
	restrict(schema, info)
	for name := range info.Resources {
		if schema.ResourceSchemas[name] == nil {
			return nil, fmt.Errorf("the Terraform provider has no resource %s", name)
		}
	}
	if path != "" {
		if content, err := proto.Marshal(schema); err == nil {
			write(path, content)
		}
	}
	return convertSchema(schema)
}

func restrict(schema *tfplugin5.GetProviderSchema_Response, info tfbridge.ProviderInfo) {
	for name := range schema.ResourceSchemas {
		if info.Resources[name] == nil {
			delete(schema.ResourceSchemas, name)
		}
	}
	for name := range schema.DataSourceSchemas {
		if info.DataSources[name] == nil {
			delete(schema.DataSourceSchemas, name)
		}
	}
	schema.Functions = nil
}

// schemaPath names the cache's file after what it depends on: the Terraform provider and the table's types.
func schemaPath(provider string, info tfbridge.ProviderInfo) string {
	folder := os.Getenv("MANAGED_SERVER_SCHEMA_CACHE")
	stat, err := os.Stat(provider)
	if folder == "" || err != nil {
		return ""
	}
	hash := sha256.New()
	fmt.Fprintln(hash, provider, stat.Size(), stat.ModTime().UnixNano())
	names := make([]string, 0, len(info.Resources)+len(info.DataSources))
	for name := range info.Resources {
		names = append(names, name)
	}
	for name := range info.DataSources {
		names = append(names, "data."+name)
	}
	sort.Strings(names)
	fmt.Fprintln(hash, names)
	return filepath.Join(folder, "schema-"+hex.EncodeToString(hash.Sum(nil))[:16])
}

// write replaces the file in one step: several providers start at once.
func write(path string, content []byte) {
	file, err := os.CreateTemp(filepath.Dir(path), "schema-*.tmp")
	if err != nil {
		return // a cache that can't be written costs time, no more
	}
	_, err = file.Write(content)
	if closed := file.Close(); err != nil || closed != nil || os.Rename(file.Name(), path) != nil {
		_ = os.Remove(file.Name())
	}
}
