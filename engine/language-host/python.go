package main

import (
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// interpreter returns the Python that runs a program or a pack, and the environment for it: that of the first of
// these virtual environments that exists, else python3.
func interpreter(venvs []string, environ []string) (string, []string) {
	for _, venv := range venvs {
		python := filepath.Join(venv, "bin", "python")
		if _, err := os.Stat(python); venv == "" || err != nil {
			continue
		}
		path := filepath.Join(venv, "bin") + string(os.PathListSeparator) + lookup(environ, "PATH")
		return python, append(environ, "VIRTUAL_ENV="+venv, "PATH="+path)
	}
	return "python3", environ
}

// named returns the virtual environment that the options of Pulumi.yaml or PulumiPolicy.yaml name, relative to it.
func named(root string, options map[string]any) string {
	venv, _ := options["virtualenv"].(string)
	if venv == "" || filepath.IsAbs(venv) {
		return venv
	}
	return filepath.Join(root, venv)
}

// ofProject returns the virtual environment of the project at or above a folder.
func ofProject(folder string) string {
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		text, err := os.ReadFile(filepath.Join(folder, "Pulumi.yaml"))
		if err != nil {
			continue
		}
		var project struct {
			Runtime yaml.Node `yaml:"runtime"` // a name, or a name and options
		}
		var runtime struct {
			Options map[string]any `yaml:"options"`
		}
		if yaml.Unmarshal(text, &project) != nil || project.Runtime.Decode(&runtime) != nil {
			return ""
		}
		return named(folder, runtime.Options)
	}
	return ""
}

func lookup(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- { // the last one counts
		if value, found := strings.CutPrefix(environ[i], name+"="); found {
			return value
		}
	}
	return ""
}
