package main

import (
	"os/exec"
	"runtime"
	"syscall"
)

// run starts a child that ends with us, and waits for it. The kernel ties the signal to the thread that starts
// the child, so the goroutine keeps that thread for as long as the child lives.
func run(c *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !off("orphans") {
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	}
	return c.Run()
}
