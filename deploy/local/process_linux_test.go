package local

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// parentEnv makes TestServersDieWithTheirParent play the parent.
const parentEnv = "TIDEMARK_TEST_PARENT"

func TestServersDieWithTheirParent(t *testing.T) {
	if os.Getenv(parentEnv) != "" {
		p := shell(t, "echo ready; exec sleep 600")
		p.as, _ = unprivileged() // another user must not undo it
		if err := p.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Println("pid", p.PID())
		<-t.Context().Done() // until we are killed
	}
	parent := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	parent.Env = append(os.Environ(), parentEnv+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, found := strings.CutPrefix(strings.TrimSpace(line), "pid ")
	if err != nil || !found {
		t.Fatalf("the parent says %q, %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait() // "signal: killed", which is the point
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := poll(ctx, time.Millisecond, func() (bool, error) { return !alive(pid), nil }); err != nil {
		t.Errorf("process %s outlived its parent", pid)
	}
}

// alive is false for a zombie, whose command line is empty.
func alive(pid string) bool {
	line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	return err == nil && len(line) > 0
}
