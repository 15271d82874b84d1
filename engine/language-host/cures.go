package main

import (
	"os"
	"slices"
	"strings"
)

// off tells whether a test has switched a cure off, to see the fault that it cures.
func off(cure string) bool {
	return slices.Contains(strings.Split(os.Getenv("MANAGED_SERVER_CURES_OFF"), ","), cure)
}
