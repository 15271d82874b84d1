package main

import (
	"os"
	"path/filepath"
	"testing"
)

// venv makes what looks like a virtual environment.
func venv(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "bin", "python"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestTheFirstEnvironmentThatExistsIsTaken(t *testing.T) {
	named, active := venv(t), venv(t)
	environ := []string{"PATH=/bin", "VIRTUAL_ENV=" + active}
	for _, test := range []struct {
		venvs []string
		want  string
	}{
		{[]string{named, active}, filepath.Join(named, "bin", "python")},
		{[]string{"", active}, filepath.Join(active, "bin", "python")},
		{[]string{"/none", active}, filepath.Join(active, "bin", "python")},
		{[]string{"", ""}, "python3"},
		{nil, "python3"},
	} {
		python, got := interpreter(test.venvs, environ)
		if python != test.want {
			t.Errorf("%v: %s, not %s", test.venvs, python, test.want)
		}
		if python == "python3" {
			continue
		}
		folder := filepath.Dir(filepath.Dir(python))
		if lookup(got, "VIRTUAL_ENV") != folder || lookup(got, "PATH") != filepath.Join(folder, "bin")+":/bin" {
			t.Errorf("%v: %v", test.venvs, got)
		}
	}
}

func TestTheNamedEnvironmentIsRelativeToItsFile(t *testing.T) {
	for given, want := range map[string]string{"": "", ".venv": "/project/.venv", "../v": "/v", "/abs": "/abs"} {
		if got := named("/project", map[string]any{"virtualenv": given}); got != want {
			t.Errorf("%s: %s", given, got)
		}
	}
	if named("/project", nil) != "" {
		t.Error("an environment out of nothing")
	}
}

func TestTheProjectsEnvironment(t *testing.T) {
	project := t.TempDir()
	inside := filepath.Join(project, "a", "b")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"name: x\nruntime: python\n":                                             "",
		"name: x\nruntime:\n  name: python\n":                                    "",
		"name: x\nruntime:\n  name: python\n  options:\n    virtualenv: .venv\n": filepath.Join(project, ".venv"),
		"name: [": "",
	} {
		if err := os.WriteFile(filepath.Join(project, "Pulumi.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, folder := range []string{project, inside} {
			if got := ofProject(folder); got != want {
				t.Errorf("%q in %s: %q", text, folder, got)
			}
		}
	}
	if got := ofProject(t.TempDir()); got != "" {
		t.Errorf("%s", got)
	}
}
