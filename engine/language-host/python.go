package main

import (
	"os"
	"path/filepath"
	"strings"
)

// interpreter returns the Python that runs a program or a pack, and the environment for it: the virtual
// environment that Pulumi.yaml or PulumiPolicy.yaml names, else the one that is active, else python3.
func interpreter(root string, options map[string]any, environ []string) (string, []string) {
	venv, _ := options["virtualenv"].(string)
	if venv != "" && !filepath.IsAbs(venv) {
		venv = filepath.Join(root, venv)
	}
	if venv == "" {
		venv = lookup(environ, "VIRTUAL_ENV")
	}
	python := filepath.Join(venv, "bin", "python")
	if venv == "" {
		return "python3", environ
	}
	if _, err := os.Stat(python); err != nil {
		return "python3", environ
	}
	path := filepath.Join(venv, "bin") + string(os.PathListSeparator) + lookup(environ, "PATH")
	return python, append(environ, "VIRTUAL_ENV="+venv, "PATH="+path)
}

func lookup(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- { // the last one counts
		if value, found := strings.CutPrefix(environ[i], name+"="); found {
			return value
		}
	}
	return ""
}
