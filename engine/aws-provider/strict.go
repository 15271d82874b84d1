package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// strict refuses properties that the Terraform provider does not have. The bridge drops them without a word, and
// pulumi_aws has some: it follows a newer Terraform provider. A setting of the provider itself that is dropped can
// mean that a role is not assumed.
type strict struct {
	pulumirpc.ResourceProviderServer
	info  tfbridge.ProviderInfo
	lock  sync.Mutex
	known map[string]map[string]property
	names map[string]string // token -> Terraform name
}

func newStrict(server pulumirpc.ResourceProviderServer, info tfbridge.ProviderInfo) pulumirpc.ResourceProviderServer {
	if off("strict") {
		return server
	}
	names := map[string]string{}
	for name, r := range info.Resources {
		names[string(r.Tok)] = name
	}
	for name, d := range info.DataSources {
		names[string(d.Tok)] = name
	}
	return &strict{ResourceProviderServer: server, info: info, known: map[string]map[string]property{}, names: names}
}

// properties returns what the type with this token has; nil for the types that the table lacks, which the bridge
// refuses itself. The empty token is the provider.
func (s *strict) properties(token string) map[string]property {
	s.lock.Lock()
	defer s.lock.Unlock()
	if found, ok := s.known[token]; ok {
		return found
	}
	var out map[string]property
	name := s.names[token]
	if token == "" {
		out = properties(s.info.P.Schema(), s.info.Config)
	} else if r := s.info.Resources[name]; r != nil && string(r.Tok) == token {
		out = properties(s.info.P.ResourcesMap().Get(name).Schema(), r.Fields)
	} else if d := s.info.DataSources[name]; d != nil {
		out = properties(s.info.P.DataSourcesMap().Get(name).Schema(), d.Fields)
	}
	s.known[token] = out
	return out
}

func (s *strict) Check(ctx context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	token := string(resource.URN(r.Urn).Type())
	if failures := refuse(token, r.News, s.properties(token)); len(failures) > 0 {
		return &pulumirpc.CheckResponse{Inputs: r.News, Failures: failures}, nil
	}
	return s.ResourceProviderServer.Check(ctx, r)
}

func (s *strict) CheckConfig(ctx context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	// The engine adds two of its own to a provider's settings.
	if failures := refuse("the aws provider", r.News, s.properties(""), "version", "pluginDownloadURL"); len(failures) > 0 {
		return &pulumirpc.CheckResponse{Inputs: r.News, Failures: failures}, nil
	}
	return s.ResourceProviderServer.CheckConfig(ctx, r)
}

func (s *strict) Invoke(ctx context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	if failures := refuse(r.Tok, r.Args, s.properties(r.Tok)); len(failures) > 0 {
		return &pulumirpc.InvokeResponse{Failures: failures}, nil
	}
	return s.ResourceProviderServer.Invoke(ctx, r)
}

func refuse(what string, given *structpb.Struct, known map[string]property, own ...string) []*pulumirpc.CheckFailure {
	if known == nil {
		return nil
	}
	var failures []*pulumirpc.CheckFailure
	for _, path := range unknown(given.AsMap(), known) {
		if slices.Contains(own, path) {
			continue
		}
		failures = append(failures, &pulumirpc.CheckFailure{
			Property: path,
			Reason: fmt.Sprintf("%s has no property %q in the Terraform provider that the local engine uses; "+
				"take it out, or write it as pulumi_aws spells it in nested values (its Args classes do)", what, path),
		})
	}
	return failures
}

// unknown lists the paths of properties that are not in the schema, sorted.
func unknown(given map[string]any, known map[string]property) []string {
	var paths []string
	for name, value := range given {
		if strings.HasPrefix(name, "__") {
			continue // Pulumi's own, such as __defaults
		}
		p, found := known[name]
		if !found {
			paths = append(paths, name)
			continue
		}
		if p.Fields == nil {
			continue
		}
		for _, inner := range objects(value) {
			for _, path := range unknown(inner, p.Fields) {
				paths = append(paths, name+"."+path)
			}
		}
	}
	sort.Strings(paths)
	return paths
}

// objects returns the objects that a value is or holds. A provider's own settings arrive as JSON text, secrets
// in an envelope.
func objects(value any) []map[string]any {
	switch v := value.(type) {
	case string:
		var parsed any
		if json.Unmarshal([]byte(v), &parsed) != nil {
			return nil
		}
		if _, text := parsed.(string); text {
			return nil
		}
		return objects(parsed)
	case []any:
		var out []map[string]any
		for _, item := range v {
			out = append(out, objects(item)...)
		}
		return out
	case map[string]any:
		if v[resource.SigKey] == resource.SecretSig {
			return objects(v["value"])
		}
		if v[resource.SigKey] != nil {
			return nil // an unknown, an asset, a resource reference
		}
		return []map[string]any{v}
	}
	return nil
}
