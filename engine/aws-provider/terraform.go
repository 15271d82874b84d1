package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	tfplugin "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/vendored/opentofu/plugin"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/vendored/tfplugin5"
)

// terraform is the Terraform provider's process, started when it is first called.
type terraform struct {
	path   string
	once   sync.Once
	client tfplugin5.ProviderClient
	err    error
}

func (t *terraform) provider() (tfplugin5.ProviderClient, error) {
	t.once.Do(func() {
		started := make(chan struct{})
		// The kernel ends the child when the *thread* that started it ends. A goroutine that keeps its thread for
		// good makes that the end of this process.
		go func() {
			runtime.LockOSThread()
			t.client, t.err = t.start()
			close(started)
			if t.err == nil {
				select {}
			}
		}()
		<-started
	})
	return t.client, t.err
}

func (t *terraform) start() (tfplugin5.ProviderClient, error) {
	if t.path == "" {
		return nil, errors.New("MANAGED_SERVER_TERRAFORM_PROVIDER_AWS is not set; it names terraform-provider-aws")
	}
	var stderr io.Writer = io.Discard
	if path := os.Getenv("MANAGED_SERVER_TERRAFORM_LOG"); path != "" { // without it a panic there leaves no trace
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		stderr = file
	}
	cmd := exec.Command(t.path)
	cmd.Env = os.Environ()
	if os.Getenv("GOGC") == "" {
		cmd.Env = append(cmd.Env, "GOGC=400") // a run is short; collecting garbage is much of its time
	}
	if url := os.Getenv(endpoint); url != "" {
		cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+url) // also for services that local.go does not list
		if !off("account-host") {
			// S3 Control puts the account before the host's name, and 123456789012.127.0.0.1 is no name. Of a proxy
			// it asks for no address. Requests to a loopback address itself go past every proxy.
			cmd.Env = append(cmd.Env, "HTTP_PROXY="+url, "NO_PROXY=", "no_proxy=")
		}
	}
	if !off("orphans") {
		// The engine ends its plugins with SIGKILL, so nothing deferred would run here.
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: tfplugin.Handshake, VersionedPlugins: tfplugin.VersionedPlugins,
		Cmd: cmd, SkipHostEnv: true, // else the environment is put behind ours once more, and wins
		Managed: true, AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true,
		Stderr: stderr, Logger: hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
	})
	rpc, err := client.Client()
	if err != nil {
		return nil, err
	}
	if reattach := client.ReattachConfig(); reattach != nil && reattach.Addr.Network() == "unix" {
		// The connection stands, and nobody is there to remove its name when the kernel ends both sides.
		_ = os.Remove(reattach.Addr.String())
	}
	if _, err := rpc.Dispense(tfplugin.ProviderPluginName); err != nil {
		return nil, err
	}
	grpc, ok := rpc.(*plugin.GRPCClient)
	if !ok {
		return nil, errors.New("the Terraform provider does not speak gRPC")
	}
	return tfplugin5.NewProviderClient(grpc.Conn), nil
}

func (t *terraform) schema(ctx context.Context) (*tfplugin5.GetProviderSchema_Response, error) {
	client, err := t.provider()
	if err != nil {
		return nil, err
	}
	return client.GetSchema(ctx, &tfplugin5.GetProviderSchema_Request{})
}
