package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// endWithParent makes the kernel end this process when the engine is gone: the engine may be killed, and then
// nobody else would. The signal is tied to the thread that started us, which for `pulumi` lives as long as it
// does.
func endWithParent() {
	const prSetPdeathsig = 1
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGKILL), 0)
	if os.Getppid() == 1 { // it died before the call
		os.Exit(1)
	}
}

// run starts a child that ends with us, and waits for it. The kernel ties the signal to the thread that starts
// the child, so the goroutine keeps that thread for as long as the child lives.
func run(c *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c.Run()
}
