package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func request(folder string) *pulumirpc.RunRequest {
	return &pulumirpc.RunRequest{
		MonitorAddress: "127.0.0.1:1", Project: "p", Stack: "s", Organization: "o", Pwd: folder, DryRun: true, Parallel: 4,
		Info: &pulumirpc.ProgramInfo{RootDirectory: folder, ProgramDirectory: folder, EntryPoint: "."},
	}
}

func TestAStackWithoutConfigurationGetsAnEmptyOne(t *testing.T) {
	t.Setenv("MANAGED_SERVER_PYTHON_EXEC", "/exec")
	c, err := (&host{engine: "127.0.0.1:2"}).program(context.Background(), request(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.Env, "PULUMI_CONFIG={}") || !slices.Contains(c.Env, "PULUMI_CONFIG_SECRET_KEYS=[]") {
		t.Error("null reaches Python")
	}
	line := strings.Join(c.Args, " ")
	for _, want := range []string{
		"--monitor 127.0.0.1:1", "--engine 127.0.0.1:2", "--dry_run true", "--parallel 4", "--organization o"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %s", want, line)
		}
	}
	t.Setenv("MANAGED_SERVER_CURES_OFF", "empty-config")
	if c, err = (&host{}).program(context.Background(), request(t.TempDir())); err != nil ||
		!slices.Contains(c.Env, "PULUMI_CONFIG=null") {
		t.Error("the cure is not switched off")
	}
}

func TestConfigurationReachesTheProgram(t *testing.T) {
	t.Setenv("MANAGED_SERVER_PYTHON_EXEC", "/exec")
	r := request(t.TempDir())
	r.Config, r.ConfigSecretKeys = map[string]string{"p:a": "b"}, []string{"p:a"}
	c, err := (&host{}).program(context.Background(), r)
	if err != nil || !slices.Contains(c.Env, `PULUMI_CONFIG={"p:a":"b"}`) ||
		!slices.Contains(c.Env, `PULUMI_CONFIG_SECRET_KEYS=["p:a"]`) {
		t.Errorf("%v %v", c.Env, err)
	}
}

// run a shell script in the place of Python, and return what the host makes of its exit code.
func ending(t *testing.T, code string) *pulumirpc.RunResponse {
	t.Helper()
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := []byte("#!/bin/sh\nexit " + code + "\n")
	if err := os.WriteFile(filepath.Join(folder, "bin", "python"), script, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MANAGED_SERVER_PYTHON_EXEC", "/exec")
	t.Setenv("VIRTUAL_ENV", folder)
	response, err := (&host{}).Run(context.Background(), request(folder))
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestExitCodes(t *testing.T) {
	if r := ending(t, "0"); r.Error != "" || r.Bail {
		t.Errorf("%v", r)
	}
	if r := ending(t, "32"); r.Error != "" || !r.Bail {
		t.Errorf("what Python has reported itself is reported twice: %v", r)
	}
	if r := ending(t, "1"); !strings.Contains(r.Error, "exit status 1") {
		t.Errorf("%v", r)
	}
}

func TestAMissingExecutorIsNamed(t *testing.T) {
	t.Setenv("MANAGED_SERVER_PYTHON_EXEC", "")
	response, err := (&host{}).Run(context.Background(), request(t.TempDir()))
	if err != nil || !strings.Contains(response.Error, "MANAGED_SERVER_PYTHON_EXEC") {
		t.Errorf("%v %v", response, err)
	}
}
