// pulumi-resource-aws for the local engine: the real Terraform AWS provider behind Pulumi's Terraform bridge.
//
// Pulumi's own AWS provider is built from the same two parts, but is in no Go module proxy. What differs here is
// small and in files of its own: names (table.go), and cures for what goes wrong between the two (cures.go lists
// them).
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-mux/tf5to6server"
	pfproto "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/proto"
	pfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	rprovider "github.com/pulumi/pulumi/pkg/v3/resource/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// version is that of the pulumi_aws package whose names are followed; the engine asks for it.
const version = "7.51.1"

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-aws:", err)
		os.Exit(1)
	}
}

func start() error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a run is short; collecting garbage is much of its time
	}
	endWithParent()
	ctx := context.Background()
	info, err := bridge(ctx)
	if err != nil {
		return err
	}
	if len(os.Args) > 1 && os.Args[1] == "names" {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", " ")
		return encoder.Encode(allNames(info))
	}
	meta := pfbridge.ProviderMetadata{PackageSchema: []byte(`{"name":"aws","version":"` + version + `"}`)}
	return rprovider.Main("aws", func(host *rprovider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		server, err := pfbridge.NewProviderServer(ctx, host, info, meta)
		if err != nil {
			return nil, err
		}
		return newStrict(newSteady(newFiles(server)), info), nil
	})
}

// bridge describes the provider to Pulumi: the Terraform provider's schema with Pulumi's names.
func bridge(ctx context.Context) (tfbridge.ProviderInfo, error) {
	info := tfbridge.ProviderInfo{
		Name: "aws", ResourcePrefix: "aws", Version: version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Resources:    resources(), DataSources: dataSources(), Config: config(),
	}
	terraform := &terraform{path: os.Getenv("MANAGED_SERVER_TERRAFORM_PROVIDER_AWS")}
	server := newServer(terraform, func(ctx context.Context) (*tfprotov5.GetProviderSchemaResponse, error) {
		return cachedSchema(ctx, terraform, info)
	})
	v6, err := tf5to6server.UpgradeServer(ctx, func() tfprotov5.ProviderServer { return server })
	if err != nil {
		return info, err
	}
	info.P = pfproto.New(ctx, v6)
	if off("names") {
		withoutOverrides(&info)
	}
	info.SetAutonaming(255, "-")
	if !off("name-prefix") {
		noNameWherePrefixed(info)
	}
	return info, nil
}
