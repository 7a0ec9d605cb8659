package local

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	// readyTimeout bounds a start: a broker takes 3 s on two idle cores, and a
	// machine that builds and tests at the same time ten times that.
	readyTimeout = 90 * time.Second
	readyPoll    = 50 * time.Millisecond
	// stopGrace is how long Stop waits between SIGTERM and SIGKILL.
	stopGrace = 30 * time.Second
	// tailLines is how much of a log an error quotes.
	tailLines = 25
)

// Process is one server that this package started: a Kafka node, an S3 or a
// PostgreSQL server. Its methods may be called from one goroutine at a time.
type Process struct {
	name     string
	argv     []string
	env      []string // beside our own environment
	log      string
	dir      string              // to run in; "" is ours
	as       *syscall.Credential // who it runs as; nil is us
	stopWith syscall.Signal      // asks it to end; 0 is SIGTERM
	detached bool
	ready    func(context.Context) error

	running *child // nil before the first start
}

// child is one life of a Process.
type child struct {
	pid    int
	exited chan struct{} // closed once the exit status is collected
	status error         // valid after exited
}

// PID is the id of the process, which also leads a process group of its own.
func (p *Process) PID() int { return p.running.pid }

// LogFile is where its output goes; a restart appends.
func (p *Process) LogFile() string { return p.log }

// Exited is closed when the process has ended, for whatever reason.
func (p *Process) Exited() <-chan struct{} { return p.running.exited }

// Stop asks the process to end, as a rule with SIGTERM, and takes SIGKILL after
// 30 s, which is an error. After nil it has ended by itself and closed its
// files. To stop what has ended is not an error.
func (p *Process) Stop() error {
	// A paused process does not see SIGTERM before it goes on.
	if err := errors.Join(p.signal(cmp.Or(p.stopWith, syscall.SIGTERM)), p.signal(syscall.SIGCONT)); err != nil {
		return err
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-p.running.exited:
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("stop %s: still running after %s, killed", p.name, stopGrace), p.Kill())
	}
}

// Kill ends the process with SIGKILL, as a crash would, and returns when it is
// gone and its ports are free. To kill what has ended is not an error.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.running.exited
	return nil
}

// Pause freezes the process with SIGSTOP: its connections stay open and
// nothing is answered, as in a long garbage collection or a network partition.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// Restart starts the process again with the same data and ports, after
// stopping it where it still runs, and returns when it answers.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.start(ctx)
}

func (p *Process) signal(s syscall.Signal) error {
	if p.running == nil {
		return nil
	}
	select {
	case <-p.running.exited:
		return nil
	default:
	}
	err := syscall.Kill(-p.running.pid, s)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to %s: %w", s, p.name, err)
	}
	return nil
}

// start starts the process and waits until it answers. On an error nothing is
// left running, and the error shows the end of the log.
func (p *Process) start(ctx context.Context) error {
	if err := p.launch(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	return p.awaitOrKill(ctx)
}

func (p *Process) awaitOrKill(ctx context.Context) error {
	if err := p.await(ctx); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w\nend of %s:\n%s", p.name, err, p.log, p.tail()), p.Kill())
	}
	return nil
}

// launch starts the process from a goroutine that keeps its thread until the
// child ends: the kernel sends the parent-death signal when the thread that
// started the child ends, not when the process does.
func (p *Process) launch() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	command := exec.Command(p.argv[0], p.argv[1:]...)
	command.Env = append(os.Environ(), p.env...)
	command.Stdout, command.Stderr = out, out
	command.SysProcAttr = attributes(p.detached)
	command.SysProcAttr.Credential, command.Dir = p.as, p.dir

	started := make(chan error)
	life := &child{exited: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		if err == nil {
			life.pid = command.Process.Pid
		}
		started <- err
		if err == nil {
			life.status = command.Wait()
			close(life.exited)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	p.running = life
	return nil
}

// await polls until the process answers, has ended, or takes too long.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var last error
	err := poll(ctx, readyPoll, func() (bool, error) {
		select {
		case <-p.running.exited:
			return false, fmt.Errorf("it ended: %s", p.running.status)
		default:
		}
		last = p.ready(ctx)
		return last == nil, nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w (last answer: %w)", err, last)
	}
	return err
}

func (p *Process) tail() []byte {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return lastLines(content, tailLines)
}

// lastLines returns the last n lines of text.
func lastLines(text []byte, n int) []byte {
	text = bytes.TrimRight(text, "\n")
	start := len(text)
	for range n {
		start = bytes.LastIndexByte(text[:start], '\n')
		if start < 0 {
			return text
		}
	}
	return text[start+1:]
}
