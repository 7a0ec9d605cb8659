package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	// stopDelay is how long a child may take to end after SIGTERM: the
	// archiver's shutdown_grace and a little.
	stopDelay = 40 * time.Second
	// peakEvery is how often a child's memory is looked at. The kernel keeps the
	// peak; only what is reached in a child's last moments can be missed.
	peakEvery = 50 * time.Millisecond
)

// child is a process of the program under test, or of a part of the bench that
// has its own account.
type child struct {
	name    string
	cmd     *exec.Cmd
	log     string
	started time.Time

	ended chan struct{}
	at    time.Time // when it ended
	err   error     // why it failed, set when ended is closed
	peak  int64
}

// start starts the program with these arguments. Its standard error goes to a
// log in dir. When ctx ends it gets SIGTERM, and later SIGKILL.
func start(ctx context.Context, program, dir, name string, in io.Reader, out io.Writer, environ []string, args ...string) (*child, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close() // the child has its own copy
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, log
	cmd.Env = environ
	cmd.SysProcAttr = childAttributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopDelay
	c := &child{name: name, cmd: cmd, log: log.Name(), ended: make(chan struct{})}
	return c, c.launch()
}

// launch starts the child from a goroutine that keeps its thread until the
// child ends: the kernel sends the parent-death signal when the thread ends.
func (c *child) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		c.started = time.Now()
		err := c.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		stop, watched := make(chan struct{}), make(chan struct{})
		go func() { defer close(watched); c.watch(stop) }()
		err = c.cmd.Wait()
		c.at = time.Now()
		close(stop)
		<-watched
		c.err = c.outcome(err)
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", c.name, err)
	}
	return nil
}

// watch notes the child's peak of resident memory. Its rusage would not do: a
// child inherits the peak of whoever started it.
func (c *child) watch(stop <-chan struct{}) {
	tick := time.NewTicker(peakEvery)
	defer tick.Stop()
	for {
		if peak, err := peakOf(c.cmd.Process.Pid); err == nil {
			c.peak = max(c.peak, peak)
		}
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

// outcome makes an error that says what the child said last.
func (c *child) outcome(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %s (see %s)", c.name, err, lastLine(c.log), c.log)
}

// wait returns when the child has ended.
func (c *child) wait() error {
	<-c.ended
	return c.err
}

// stop asks the child to end and waits.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", c.name, err)
	}
	return c.wait()
}

// usage is what the child took, by wait4(2), once it has ended.
func (c *child) usage() usage {
	s := c.cmd.ProcessState
	return usage{user: s.UserTime(), system: s.SystemTime(), peak: c.peak}
}

// lastLine is what a process logged last.
func lastLine(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
