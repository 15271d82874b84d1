package main

import (
	"errors"
	"os"
	"os/exec"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// stream passes a child's output to the engine. Both of a child's outputs share one lock: a gRPC stream takes
// one message at a time.
type stream struct {
	server pulumirpc.LanguageRuntime_RunPluginServer
	lock   *sync.Mutex
	stderr bool
}

func (s stream) Write(b []byte) (int, error) {
	message := &pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: b}}
	if s.stderr {
		message.Output = &pulumirpc.RunPluginResponse_Stderr{Stderr: b}
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(b), s.server.Send(message)
}

// RunPlugin runs a Python plugin; here that is a policy pack, which the engine calls an analyzer.
func (h *host) RunPlugin(r *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer) error {
	environ := r.Env
	if len(environ) == 0 {
		environ = os.Environ()
	}
	// A pack that names no environment of its own runs in that of the project it judges.
	python, environ := interpreter([]string{
		named(r.Info.GetRootDirectory(), r.Info.GetOptions().AsMap()), ofProject(r.Pwd), lookup(environ, "VIRTUAL_ENV"),
	}, environ)
	args := []string{"-u", "-m", "pulumi.run.plugin", r.Info.GetProgramDirectory()}
	args = append(args, r.Args...)
	if r.Kind == "analyzer" {
		args = append([]string{"-u", "-m", "pulumi.policy"}, r.Args...)
		args = append(args, r.Info.GetProgramDirectory())
	}
	c := exec.CommandContext(server.Context(), python, args...)
	c.Dir, c.Env = r.Pwd, environ
	lock := &sync.Mutex{}
	c.Stdout, c.Stderr = stream{server, lock, false}, stream{server, lock, true}
	err := run(c)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return server.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())}})
	}
	return err
}
