package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemark-io/tidemark/bench/harness"
)

// bench is a run, with the servers that it has started so far.
type bench struct {
	app     *app
	flags   *benchFlags
	program string
	dir     string
	remove  func() error
	runner  *harness.Runner

	main, embedded *benchServers
}

func newBench(a *app, f *benchFlags, say io.Writer) (*bench, error) {
	program, err := f.program, error(nil)
	if program == "" {
		program, err = os.Executable()
	}
	if err != nil {
		return nil, fmt.Errorf("find the running program: %w", err)
	}
	dir, remove, err := benchDir(f.dir)
	if err != nil {
		return nil, err
	}
	b := &bench{app: a, flags: f, program: program, dir: dir, remove: remove}
	b.runner = harness.NewRunner(harness.Options{
		Program: program, Dir: filepath.Join(dir, "points"), Run: "tidemark-bench-" + strings.ToLower(rand.Text()[:8]),
		Servers: b.servers, Defaults: benchDefaults(), Busy: f.busy, Keep: f.keep, Landed: f.landed, Say: say,
	})
	return b, nil
}

// servers gives the servers of a point, and starts them when they are first
// needed.
func (b *bench) servers(ctx context.Context, embedded bool) (*harness.Servers, error) {
	into := &b.main
	if embedded || b.flags.embedded {
		into = &b.embedded
	}
	if *into == nil {
		s, err := b.start(ctx, into == &b.embedded)
		if err != nil {
			return nil, err
		}
		s.Open = openForBench
		*into = s
	}
	return &(*into).Servers, nil
}

func (b *bench) start(ctx context.Context, embedded bool) (*benchServers, error) {
	switch {
	case embedded:
		return startEmbedded(ctx, b.program, filepath.Join(b.dir, "embedded"))
	case b.flags.place.given():
		return b.flags.place.servers()
	case b.flags.configured:
		return b.app.givenServers()
	}
	return startLocal(ctx, b.dir)
}

// parts are what the points ran on.
func (b *bench) parts() (kafka, stores string) {
	for _, s := range []*benchServers{b.main, b.embedded} {
		if s != nil {
			return s.Kafka, s.Stores
		}
	}
	return "", ""
}

// close stops what was started, and removes what it kept.
func (b *bench) close() error {
	var errs []error
	for _, s := range []*benchServers{b.main, b.embedded} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	if b.flags.keep {
		fmt.Fprintln(b.app.stderr, "left in", b.dir)
	} else {
		errs = append(errs, b.remove())
	}
	return errors.Join(errs...)
}
