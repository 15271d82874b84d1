package main

import (
	"os"
	"slices"
	"strings"
)

// Cures, each against a fault that was met; tests switch one off to see its fault:
//
//	null-blocks    blocks.go     the Terraform provider panics on a null collection
//	orphans        terraform.go  every run leaves its Terraform providers behind
//	strict         strict.go     properties that the provider lacks are dropped without a word
//	name-prefix    naming.go     an automatic name conflicts with namePrefix
//	empty-config   (language host) a stack without configuration fails
//	refresh        refresh.go    refreshes report an update although nothing differs
func off(cure string) bool {
	return slices.Contains(strings.Split(os.Getenv("MANAGED_SERVER_CURES_OFF"), ","), cure)
}
