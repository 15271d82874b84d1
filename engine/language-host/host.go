package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// version is that of the sdk module this is built from.
const version = "3.259.0"

// bailed is the exit code with which the Python runtime says that it has reported its errors itself.
const bailed = 32

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine string
}

func (h *host) Handshake(_ context.Context, r *pulumirpc.LanguageHandshakeRequest) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engine = r.EngineAddress
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// GetRequiredPackages names none: the only provider, aws, is installed beside this host.
func (h *host) GetRequiredPackages(context.Context, *pulumirpc.GetRequiredPackagesRequest) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

// Run runs the program once, for a preview or an update.
func (h *host) Run(ctx context.Context, r *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	c, err := h.program(ctx, r)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	err = run(c)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == bailed {
		return &pulumirpc.RunResponse{Bail: true}, nil
	}
	if err != nil {
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program failed: %v", err)}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

func (h *host) program(ctx context.Context, r *pulumirpc.RunRequest) (*exec.Cmd, error) {
	executor := os.Getenv("MANAGED_SERVER_PYTHON_EXEC")
	if executor == "" {
		return nil, errors.New("MANAGED_SERVER_PYTHON_EXEC is not set; it names pulumi-language-python-exec")
	}
	// A nil map or slice would be marshalled to null, and a stack without configuration would fail in Python.
	config, secrets := r.Config, r.ConfigSecretKeys
	if !off("empty-config") {
		if config == nil {
			config = map[string]string{}
		}
		if secrets == nil {
			secrets = []string{}
		}
	}
	configJSON, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	secretsJSON, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	environ := os.Environ()
	venv := named(r.Info.GetRootDirectory(), r.Info.GetOptions().AsMap())
	python, environ := interpreter([]string{venv, lookup(environ, "VIRTUAL_ENV")}, environ)
	c := exec.CommandContext(ctx, python, "-u", executor,
		"--monitor", r.MonitorAddress, "--engine", h.engine,
		"--project", r.Project, "--stack", r.Stack, "--organization", r.Organization,
		"--root_directory", r.Info.GetRootDirectory(), "--pwd", r.Pwd,
		"--dry_run", strconv.FormatBool(r.DryRun), "--parallel", strconv.Itoa(int(r.Parallel)),
		r.Info.GetEntryPoint())
	c.Dir = r.Info.GetProgramDirectory()
	c.Env = append(environ, "PULUMI_CONFIG="+string(configJSON), "PULUMI_CONFIG_SECRET_KEYS="+string(secretsJSON))
	return c, nil
}
