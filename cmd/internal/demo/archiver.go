package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// look is how often the regions are looked at for a new segment. It bounds the
// error of recovery_seconds.
const look = 20 * time.Millisecond

// patience is how long the archiver may take to store a segment before the demo
// gives up: several session timeouts.
const patience = 60 * time.Second

// archiver is a running archiver process.
type archiver struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
	err   error // set when ended is closed
}

func (d *demo) startArchiver(ctx context.Context, name string) (*archiver, error) {
	cmd, log, err := d.command(ctx, name, "archive")
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own copy
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the archiver: %w", err)
	}
	a := &archiver{cmd: cmd, log: log.Name(), ended: make(chan struct{})}
	go func() {
		a.err = cmd.Wait()
		close(a.ended)
	}()
	return a, nil
}

// kill ends the process as a power cut would.
func (a *archiver) kill() error {
	if err := a.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill the archiver: %w", err)
	}
	<-a.ended
	return nil
}

// stop asks the process to store what it has and waits until it has ended. It
// reports whether the process left work to the next one, as it does when a
// region was still behind.
func (a *archiver) stop() (left bool, err error) {
	select {
	case <-a.ended:
		return false, a.endedByItself()
	default:
	}
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false, fmt.Errorf("stop the archiver: %w", err)
	}
	<-a.ended
	exit := (*exec.ExitError)(nil)
	if errors.As(a.err, &exit) && exit.ExitCode() == exitUnavailable {
		return true, nil
	}
	if a.err != nil {
		return false, fmt.Errorf("stop the archiver: %w: %s (see %s)", a.err, lastLine(a.log), a.log)
	}
	return false, nil
}

// endedByItself is the error of a process that nobody stopped.
func (a *archiver) endedByItself() error {
	return fmt.Errorf("the archiver ended by itself: %v: %s (see %s)", a.cmd.ProcessState, lastLine(a.log), a.log)
}

// archive produces everything while an archiver runs, is killed in the middle,
// and is started again.
func (d *demo) archive(ctx context.Context) error {
	first, err := d.startArchiver(ctx, "archive-1")
	if err != nil {
		return err
	}
	began := time.Now()
	load := newLoad(d.broker, d.ledger, d.opts, began)
	crash := make(chan struct{})
	d.plot(load, first, crash)
	d.say.step("producing %s events, the archiver runs as process %d", grouped(int64(d.opts.Events)), first.cmd.Process.Pid)
	var second *archiver
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error { return load.run(gctx) })
	group.Go(func() (err error) {
		second, err = d.crash(ctx, gctx, first, crash)
		return err
	})
	if err := group.Wait(); err != nil {
		return errors.Join(err, first.end(), second.end())
	}
	d.say.step("all events are produced")
	left, err := second.stop()
	if err != nil {
		return err
	}
	if left {
		d.say.step("the archiver stopped with work left to the next one: %s", lastLine(second.log))
	}
	d.say.step("archiving what is left")
	if _, err := d.tidemark(ctx, "archive", "--until-caught-up"); err != nil {
		return err
	}
	return d.account(load, time.Since(began))
}

// end ends the process if it was started and still runs, after another part of
// the demo went wrong.
func (a *archiver) end() error {
	if a == nil {
		return nil
	}
	select {
	case <-a.ended:
		return nil
	default:
		return a.kill()
	}
}

// plot chooses when the archiver is killed: at a random event of the middle
// third. Before that, a tenth of the load is in and the archiver has stored its
// first segment, so that there is something to come back to.
func (d *demo) plot(l *load, first *archiver, crash chan<- struct{}) {
	n := d.opts.Events
	at := n/3 + rand.IntN(n/3)
	d.report.KilledAtEvent = int64(at)
	l.gate = func(ctx context.Context, i int) error {
		switch i {
		case n / 10:
			if err := l.flush(ctx); err != nil {
				return err
			}
			return d.awaitSegment(ctx, first, 0)
		case at:
			close(crash)
		}
		return nil
	}
}

// crash kills the first archiver when it is told to, starts the second and
// takes the time until it has stored something. The second lives as long as
// life does, the wait ends with ctx.
func (d *demo) crash(life, ctx context.Context, first *archiver, now <-chan struct{}) (*archiver, error) {
	select {
	case <-now:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	killed := time.Now()
	if err := first.kill(); err != nil {
		return nil, err
	}
	d.say.step("killed the archiver at event %s and started it again", grouped(d.report.KilledAtEvent))
	before, err := d.space.countSegments()
	if err != nil {
		return nil, err
	}
	second, err := d.startArchiver(life, "archive-2")
	if err != nil {
		return nil, err
	}
	if err := d.awaitSegment(ctx, second, before); err != nil {
		return second, err
	}
	d.report.RecoverySeconds = seconds(time.Since(killed))
	d.say.step("the first segment after the kill, %.2f s later", d.report.RecoverySeconds)
	return second, nil
}

// awaitSegment waits until the regions hold more than so many segments.
func (d *demo) awaitSegment(ctx context.Context, a *archiver, before int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		n, err := d.space.countSegments()
		if err != nil || n > before {
			return err
		}
		select {
		case <-tick.C:
		case <-a.ended:
			return a.endedByItself()
		case <-ctx.Done():
			return fmt.Errorf("wait for a segment: %w (see %s)", ctx.Err(), a.log)
		}
	}
}

// countSegments counts the segments of both regions.
func (w *workspace) countSegments() (int, error) {
	n := 0
	for _, region := range regionNames {
		err := filepath.WalkDir(w.segments(region), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a file that was renamed while we looked
			}
			if err == nil && strings.HasSuffix(path, ".seg") && strings.Contains(path, "/topics/") {
				n++
			}
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("count segments of region %s: %w", region, err)
		}
	}
	return n, nil
}
