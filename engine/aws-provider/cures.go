package main

import (
	"os"
	"slices"
	"strings"
)

// off tells whether a test has switched a cure off, to see the fault that it cures. MANAGED_SERVER_CURES_OFF lists
// cures, with commas between them; it is for tests only. Each cure is against a fault that was met:
//
//	null-blocks    blocks.go     the Terraform provider panics on a null collection
//	orphans        parent.go     a killed engine, and every run, leave processes behind
//	strict         strict.go     properties that the provider lacks are dropped without a word
//	name-prefix    naming.go     an automatic name conflicts with namePrefix
//	names          table.go      some of the bridge's automatic names are not Pulumi's
//	documents      naming.go     a policy given as an object is refused
//	account-host   terraform.go  what is asked of an account at S3 finds no host of its name
//	refresh        refresh.go    refreshes report an update although nothing differs
//	files          files.go      a file is refused where Terraform wants the path of one
//	empty-config   host.go       (language host) a stack without configuration fails
func off(cure string) bool {
	return slices.Contains(strings.Split(os.Getenv("MANAGED_SERVER_CURES_OFF"), ","), cure)
}
