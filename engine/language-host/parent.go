package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// endWithParent ends this process when the engine that started it is gone: the engine may be killed, and then nobody
// else would. The kernel does it at once, but only if the thread that asked still lives; looking at the parent now and
// then catches what is left, such as a parent that was gone before we asked.
func endWithParent() {
	if off("orphans") {
		return
	}
	const prSetPdeathsig = 1
	parent := os.Getppid()
	asked := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGKILL), 0)
		close(asked)
		for os.Getppid() == parent {
			time.Sleep(500 * time.Millisecond)
		}
		os.Exit(1)
	}()
	<-asked
}
