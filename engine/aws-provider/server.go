package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	wire "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/vendored/tfplugin5"
)

// server passes each call of the bridge on to the Terraform provider.
type server struct {
	tfprotov5.ProviderServer // nil: the bridge calls nothing but what is below
	terraform                *terraform
	getSchema                func(context.Context) (*tfprotov5.GetProviderSchemaResponse, error)
	schema                   *tfprotov5.GetProviderSchemaResponse // as it was last asked for
}

func newServer(t *terraform, get func(context.Context) (*tfprotov5.GetProviderSchemaResponse, error)) *server {
	return &server{terraform: t, getSchema: get, schema: &tfprotov5.GetProviderSchemaResponse{}}
}

func (s *server) GetProviderSchema(ctx context.Context, _ *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	schema, err := s.getSchema(ctx)
	if err == nil {
		s.schema = schema
	}
	return schema, err
}

func (s *server) GetMetadata(ctx context.Context, _ *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	schema, err := s.getSchema(ctx) // the same, without starting the Terraform provider where it is cached
	if err != nil {
		return nil, err
	}
	out := &tfprotov5.GetMetadataResponse{ServerCapabilities: schema.ServerCapabilities}
	for name := range schema.ResourceSchemas {
		out.Resources = append(out.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range schema.DataSourceSchemas {
		out.DataSources = append(out.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return out, nil
}

func (s *server) PrepareProviderConfig(ctx context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.PrepareProviderConfig(ctx, &wire.PrepareProviderConfig_Request{
		Config: toWire(filled(r.Config, s.schema.Provider))})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.PrepareProviderConfigResponse{
		PreparedConfig: fromWire(x.PreparedConfig), Diagnostics: convertDiagnostics(x.Diagnostics)}, nil
}

func (s *server) ConfigureProvider(ctx context.Context, r *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	config, err := forLocalAWS(filled(r.Config, s.schema.Provider), s.schema.Provider)
	if err != nil {
		return nil, err
	}
	x, err := client.Configure(ctx, &wire.Configure_Request{TerraformVersion: "1.11.4", Config: toWire(config)})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ConfigureProviderResponse{Diagnostics: convertDiagnostics(x.Diagnostics)}, nil
}

func (s *server) StopProvider(ctx context.Context, _ *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.Stop(ctx, &wire.Stop_Request{})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.StopProviderResponse{Error: x.Error}, nil
}

func (s *server) ValidateResourceTypeConfig(ctx context.Context, r *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.ValidateResourceTypeConfig(ctx, &wire.ValidateResourceTypeConfig_Request{
		TypeName: r.TypeName, Config: toWire(filled(r.Config, s.schema.ResourceSchemas[r.TypeName]))})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ValidateResourceTypeConfigResponse{Diagnostics: convertDiagnostics(x.Diagnostics)}, nil
}

func (s *server) UpgradeResourceState(ctx context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.UpgradeResourceState(ctx, &wire.UpgradeResourceState_Request{
		TypeName: r.TypeName, Version: r.Version,
		RawState: &wire.RawState{Json: r.RawState.JSON, Flatmap: r.RawState.Flatmap}})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.UpgradeResourceStateResponse{
		UpgradedState: fromWire(x.UpgradedState), Diagnostics: convertDiagnostics(x.Diagnostics)}, nil
}

func (s *server) ReadResource(ctx context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.ReadResource(ctx, &wire.ReadResource_Request{
		TypeName: r.TypeName, CurrentState: toWire(filled(r.CurrentState, s.schema.ResourceSchemas[r.TypeName])),
		Private: r.Private, ProviderMeta: toWire(r.ProviderMeta)})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ReadResourceResponse{
		NewState: fromWire(x.NewState), Private: x.Private, Diagnostics: convertDiagnostics(x.Diagnostics)}, nil
}

func (s *server) PlanResourceChange(ctx context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	schema := s.schema.ResourceSchemas[r.TypeName]
	x, err := client.PlanResourceChange(ctx, &wire.PlanResourceChange_Request{
		TypeName: r.TypeName, PriorState: toWire(filled(r.PriorState, schema)),
		ProposedNewState: toWire(filled(r.ProposedNewState, schema)), Config: toWire(filled(r.Config, schema)),
		PriorPrivate: r.PriorPrivate, ProviderMeta: toWire(r.ProviderMeta)})
	if err != nil {
		return nil, err
	}
	out := &tfprotov5.PlanResourceChangeResponse{
		PlannedState: fromWire(x.PlannedState), PlannedPrivate: x.PlannedPrivate,
		Diagnostics: convertDiagnostics(x.Diagnostics), UnsafeToUseLegacyTypeSystem: x.LegacyTypeSystem}
	for _, path := range x.RequiresReplace {
		out.RequiresReplace = append(out.RequiresReplace, convertPath(path))
	}
	return out, nil
}

func (s *server) ApplyResourceChange(ctx context.Context, r *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	schema := s.schema.ResourceSchemas[r.TypeName]
	x, err := client.ApplyResourceChange(ctx, &wire.ApplyResourceChange_Request{
		TypeName: r.TypeName, PriorState: toWire(filled(r.PriorState, schema)),
		PlannedState: toWire(filled(r.PlannedState, schema)), Config: toWire(filled(r.Config, schema)),
		PlannedPrivate: r.PlannedPrivate, ProviderMeta: toWire(r.ProviderMeta)})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ApplyResourceChangeResponse{
		NewState: fromWire(x.NewState), Private: x.Private, Diagnostics: convertDiagnostics(x.Diagnostics),
		UnsafeToUseLegacyTypeSystem: x.LegacyTypeSystem}, nil
}

func (s *server) ImportResourceState(ctx context.Context, r *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.ImportResourceState(ctx, &wire.ImportResourceState_Request{TypeName: r.TypeName, Id: r.ID})
	if err != nil {
		return nil, err
	}
	out := &tfprotov5.ImportResourceStateResponse{Diagnostics: convertDiagnostics(x.Diagnostics)}
	for _, imported := range x.ImportedResources {
		out.ImportedResources = append(out.ImportedResources, &tfprotov5.ImportedResource{
			TypeName: imported.TypeName, State: fromWire(imported.State), Private: imported.Private})
	}
	return out, nil
}

func (s *server) ValidateDataSourceConfig(ctx context.Context, r *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.ValidateDataSourceConfig(ctx, &wire.ValidateDataSourceConfig_Request{
		TypeName: r.TypeName, Config: toWire(filled(r.Config, s.schema.DataSourceSchemas[r.TypeName]))})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ValidateDataSourceConfigResponse{Diagnostics: convertDiagnostics(x.Diagnostics)}, nil
}

func (s *server) ReadDataSource(ctx context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	client, err := s.terraform.provider()
	if err != nil {
		return nil, err
	}
	x, err := client.ReadDataSource(ctx, &wire.ReadDataSource_Request{
		TypeName: r.TypeName, Config: toWire(filled(r.Config, s.schema.DataSourceSchemas[r.TypeName])),
		ProviderMeta: toWire(r.ProviderMeta)})
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ReadDataSourceResponse{
		State: fromWire(x.State), Diagnostics: convertDiagnostics(x.Diagnostics)}, nil
}
