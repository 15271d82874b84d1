package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func TestTokensAreUniqueAndOfPulumisForm(t *testing.T) {
	seen := map[string]string{}
	for name, r := range resources() {
		token := string(r.Tok)
		module, kind, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), ":")
		_, file, _ := strings.Cut(module, "/")
		if !strings.EqualFold(file, kind) || kind[:1] != strings.ToUpper(kind[:1]) || file[:1] != strings.ToLower(file[:1]) {
			t.Errorf("%s: %s", name, token)
		}
		if other, twice := seen[token]; twice {
			t.Errorf("%s and %s: %s", name, other, token)
		}
		seen[token] = name
	}
	if len(seen) < 55 {
		t.Errorf("only %d types", len(seen))
	}
}

// prefixes says which service the types with a prefix call, where that is not the prefix itself.
var prefixes = map[string]string{
	"vpc": "ec2", "subnet": "ec2", "internet": "ec2", "route": "ec2", "flow": "ec2", "default": "ec2", "security": "ec2",
	"instance": "ec2", "eip": "ec2", "ebs": "ec2", "volume": "ec2", "cloudwatch": "cloudwatch",
}

func TestEveryTypesServiceHasAnEndpoint(t *testing.T) {
	for name := range resources() {
		word := strings.Split(name, "_")[1]
		service := word
		if other, found := prefixes[word]; found {
			service = other
		}
		if !slices.Contains(services, service) {
			t.Errorf("%s calls %s, which local.go does not list", name, service)
		}
	}
	for _, also := range []string{"sts", "logs", "s3control"} {
		if !slices.Contains(services, also) {
			t.Errorf("%s is missing", also)
		}
	}
}

func TestVersionIsTheOneThatTheEngineInstalls(t *testing.T) {
	content, err := os.ReadFile("../versions.json")
	if err != nil {
		t.Fatal(err)
	}
	var versions map[string]string
	if err := json.Unmarshal(content, &versions); err != nil || versions["aws-plugin"] != version {
		t.Errorf("%v, not %s (%v)", versions, version, err)
	}
}

func TestAliasesGetTheirPrefixOnce(t *testing.T) {
	if aliased("key") != "alias/key" || aliased("alias/key") != "alias/key" {
		t.Error(aliased("key"), aliased("alias/key"))
	}
}

func TestDocumentsBecomeTextAndStaySecret(t *testing.T) {
	check := func(in resource.PropertyMap) resource.PropertyMap {
		out, err := document(res("iam", "Policy"), "policy").PreCheckCallback(context.Background(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	given := resource.NewObjectProperty(resource.PropertyMap{"Version": resource.NewStringProperty("2012-10-17")})
	if got := check(resource.PropertyMap{"policy": given})["policy"]; got.StringValue() != `{"Version":"2012-10-17"}` {
		t.Error(got)
	}
	if got := check(resource.PropertyMap{"policy": resource.MakeSecret(given)})["policy"]; !got.IsSecret() {
		t.Error("laid open", got)
	}
	text := resource.NewStringProperty("{}")
	if got := check(resource.PropertyMap{"policy": text, "name": text}); !got["policy"].DeepEquals(text) || !got["name"].DeepEquals(text) {
		t.Error(got)
	}
}

func TestNoAutomaticNameBesideAPrefix(t *testing.T) {
	role := res("iam", "Role", fields{"name": named(64)})
	noNameWherePrefixed(tfbridge.ProviderInfo{Resources: map[string]*tfbridge.ResourceInfo{"aws_iam_role": role}})
	name := func(in resource.PropertyMap) any {
		value, err := role.Fields["name"].Default.ComputeDefault(context.Background(), tfbridge.ComputeDefaultOptions{
			URN: "urn:pulumi:s::p::aws:iam/role:Role::web", Properties: in, Seed: []byte("0123456789abcdef0123456789abcdef")})
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	if got, _ := name(resource.PropertyMap{}).(string); !strings.HasPrefix(got, "web-") {
		t.Errorf("no automatic name: %q", got)
	}
	if got := name(resource.PropertyMap{"namePrefix": resource.NewStringProperty("m-")}); got != nil {
		t.Errorf("a name beside a prefix: %v", got)
	}
}
