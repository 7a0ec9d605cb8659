package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tidemark-io/tidemark/bench/load"
)

// generator is a running load process.
type generator struct {
	*child
	in     *os.File
	ledger string
	before usage // what it had taken when it was told to go
}

// generator starts a load process and returns when its topic is there and its
// events are encoded.
func (r *Runner) generator(ctx context.Context, j *job, t *topic) (*generator, error) {
	c, err := configure(j.dir, j.name, j.servers, t.name, j.spec.Settings)
	if err != nil {
		return nil, err
	}
	g := &generator{ledger: filepath.Join(j.dir, "load.ledger")}
	answers, err := g.open(ctx, r, j, c)
	if err != nil {
		return nil, err
	}
	defer answers.Close()
	if err := g.order(answers, Order{Topic: t.name, Workload: j.spec.Workload, Ledger: g.ledger}); err != nil {
		return nil, errors.Join(err, g.stop())
	}
	return g, nil
}

// open starts the process with a pipe each way, and returns the one it answers
// by. The process's ends of them are its own only: when it ends, so do they.
func (g *generator) open(ctx context.Context, r *Runner, j *job, c configuration) (answers *os.File, err error) {
	in, words, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start load: %w", err)
	}
	defer in.Close()
	answers, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start load: %w", err), words.Close())
	}
	defer out.Close()
	g.in = words
	if g.child, err = r.start(ctx, j, "load", in, out, "bench", "load", "-c", c.file); err != nil {
		return nil, errors.Join(err, words.Close(), answers.Close())
	}
	return answers, nil
}

// order hands the order over and waits until the process is ready.
func (g *generator) order(answers io.Reader, o Order) error {
	if err := json.NewEncoder(g.in).Encode(o); err != nil {
		return fmt.Errorf("order load: %w", err)
	}
	word, err := bufio.NewReader(answers).ReadString('\n')
	if err != nil || word != wordReady+"\n" {
		return fmt.Errorf("order load: it said %q", word)
	}
	g.before, err = usageOf(g.cmd.Process.Pid)
	return err
}

// produce lets the process produce everything, and returns its ledger.
func (g *generator) produce() (*load.Ledger, error) {
	if err := json.NewEncoder(g.in).Encode(wordGo); err != nil {
		return nil, errors.Join(fmt.Errorf("start load: %w", err), g.stop())
	}
	g.in.Close()
	if err := g.wait(); err != nil {
		return nil, err
	}
	return load.LoadLedger(g.ledger)
}

// usage is what the process took since it was told to go.
func (g *generator) usage() usage {
	u := g.child.usage()
	return usage{u.user - g.before.user, u.system - g.before.system, u.peak}
}
