package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The exit codes of the program.
const (
	exitDone     = 0
	exitFindings = 1
	exitKilled   = -1 // none: by a signal
)

// verbTimeout bounds a verb that is run to its end.
const verbTimeout = 3 * time.Minute

// outcome is what a verb left behind.
type outcome struct {
	code           int
	stdout, stderr []byte
}

// process is a tidemark that runs beside the test.
type process struct {
	pid  int
	log  string
	done chan struct{} // closed once code is valid
	code int
}

// environment is that of the program: ours, but no key of its configuration except those given.
func environment(given []string) []string {
	ours := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TIDEMARK_") })
	return append(ours, given...)
}

// run runs the program to its end.
func (w *world) run(ctx context.Context, env []string, args ...string) outcome {
	ctx, cancel := context.WithTimeout(ctx, verbTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, w.program, args...)
	c.Env = environment(env)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintf(&said, "run %s: %v", args[0], err)
		return outcome{exitKilled, out.Bytes(), said.Bytes()}
	}
	return outcome{c.ProcessState.ExitCode(), out.Bytes(), said.Bytes()}
}

// launch starts the program; its output is appended to a file. It ends with the test at the latest, and with this process
// however that one ends: the goroutine keeps its thread, for the kernel sends the parent-death signal when the thread ends.
func (w *world) launch(t *testing.T, log string, env []string, args ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := exec.Command(w.program, args...)
	c.Env = environment(env)
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = dieWithParent()
	p := &process{log: log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			_ = c.Wait()
			p.code = c.ProcessState.ExitCode()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	p.pid = c.Process.Pid
	t.Cleanup(p.kill)
	return p
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) {
	if p.running() {
		_ = syscall.Kill(p.pid, s)
	}
}

// kill ends the process as a crash would.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// wait waits for the end of the process and returns its exit code.
func (p *process) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.code
	case <-timer.C:
		t.Fatalf("the process has not ended after %s; end of its log:\n%s", limit, p.tail())
		return 0
	}
}

// whole is all that the process said.
func (p *process) whole(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// tail is the end of what the process said.
func (p *process) tail() []byte {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return content[max(0, len(content)-4000):]
}
