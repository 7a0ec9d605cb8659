package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The exit codes that mean something to the demo: a verb found something or
// refused; it is worth a retry.
const (
	exitFindings    = 1
	exitUnavailable = 3
)

// stopDelay is how long a process may take to end after SIGTERM before it is
// killed: its shutdown_grace and a little.
const stopDelay = 35 * time.Second

// refusal is a verb that exited 1.
type refusal struct{ verb, last, log string }

func (r *refusal) Error() string {
	return fmt.Sprintf("tidemark %s refused: %s (see %s)", r.verb, r.last, r.log)
}

// tidemark runs a verb on the demo's archive and returns what it printed. What
// it logs goes to a file beside the archive. Exit code 1 is a *refusal, with
// the output.
func (d *demo) tidemark(ctx context.Context, verb string, args ...string) ([]byte, error) {
	cmd, log, err := d.command(ctx, verb, verb, args...)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	var out bytes.Buffer
	cmd.Stdout = &out
	err = d.outcome(ctx, verb, log.Name(), cmd.Run(), &out)
	return out.Bytes(), err
}

// outcome makes an error that tells what a process said last.
func (d *demo) outcome(ctx context.Context, verb, log string, err error, out *bytes.Buffer) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	last := lastLine(log)
	if last == "" && out != nil {
		last = strings.TrimSpace(out.String())
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == exitFindings {
		return &refusal{verb: verb, last: last, log: log}
	}
	return fmt.Errorf("run tidemark %s: %w: %s (see %s)", verb, err, last, log)
}

// command prepares a process. Its environment has no TIDEMARK_ variables: they
// would change the demo's configuration.
func (d *demo) command(ctx context.Context, name, verb string, args ...string) (*exec.Cmd, *os.File, error) {
	log, err := os.Create(d.space.path(filepath.Join("logs", name+".log")))
	if err != nil {
		return nil, nil, fmt.Errorf("run tidemark %s: %w", verb, err)
	}
	cmd := exec.CommandContext(ctx, d.opts.Executable, append([]string{verb, "-c", d.space.config}, args...)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TIDEMARK_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Stderr = log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopDelay
	return cmd, log, nil
}

// lastLine is what a process logged last, for a message.
func lastLine(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
