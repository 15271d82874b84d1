package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHelper is no test: it is what the test below kills. It starts a child as the host does, and waits for it.
func TestHelper(t *testing.T) {
	if os.Getenv("HOST_TEST_HELPER") == "" {
		t.Skip("only as a child of TestAChildEndsWithAKilledHost")
	}
	endWithParent()
	c := exec.Command("sh", "-c", "echo $$; exec sleep 60")
	c.Stdout = os.Stdout
	fmt.Println("started:", run(c))
}

func startHelper(t *testing.T, off string) (*exec.Cmd, int) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=TestHelper$")
	c.Env = append(os.Environ(), "HOST_TEST_HELPER=1", "MANAGED_SERVER_CURES_OFF="+off)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return c, child
}

// alive tells whether a process runs; one that nobody has waited for yet does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestAChildEndsWithAKilledHost(t *testing.T) {
	host, child := startHelper(t, "")
	_ = host.Process.Kill()
	_ = host.Wait()
	for end := time.Now().Add(5 * time.Second); alive(child); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(child, syscall.SIGKILL)
			t.Fatal("the child is left behind")
		}
	}
}

func TestAChildStaysWithoutTheCure(t *testing.T) {
	host, child := startHelper(t, "orphans")
	_ = host.Process.Kill()
	_ = host.Wait()
	time.Sleep(300 * time.Millisecond)
	if !alive(child) {
		t.Error("something else ends it: the test above proves nothing")
	}
	_ = syscall.Kill(child, syscall.SIGKILL)
}
