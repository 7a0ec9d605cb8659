package floor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Mode is how much of the job is done.
type Mode int

const (
	// Fetch reads and throws away.
	Fetch Mode = iota
	// Seal reads, checks, encrypts, hashes and stores.
	Seal
)

// Config says what to read and where to put it.
type Config struct {
	Mode Mode
	// Brokers are host:port of some brokers of the cluster. They must speak
	// without TLS and SASL.
	Brokers []string
	// Topic is read from each partition's start to where it ended when the run
	// began. Its partitions must not move meanwhile.
	Topic string
	// Stores get every object; at least one in mode Seal, none otherwise.
	Stores []Store
	// ObjectSize closes an object once it has so many bytes; 16 MiB if 0. The
	// last answer may make it one answer longer.
	ObjectSize int
	// FetchBytes and PartitionBytes bound an answer and a partition's part of
	// it, as a broker's max_bytes do; 16 MiB and 1 MiB if 0. A batch that is
	// larger still comes whole.
	FetchBytes, PartitionBytes int32
}

// Result is what a run read and wrote.
type Result struct {
	// Events and Batches are those of the answers; a control batch counts as
	// its header says.
	Events, Batches int64
	// Wire is the bytes of these batches, as the brokers sent them.
	Wire int64
	// Objects and Stored are the objects and bytes that each store got.
	Objects, Stored int64
	// Elapsed is from the first request to the last answer.
	Elapsed time.Duration
}

// PerSecond is the rate in events a second.
func (r Result) PerSecond() float64 { return float64(r.Events) / r.Elapsed.Seconds() }

// Run does the job once. It returns when everything is read and every store
// has said that it holds every object, or with the first error of any kind:
// it repeats nothing.
func Run(ctx context.Context, c Config) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, fmt.Errorf("check floor: %w", err)
	}
	started := time.Now()
	shares, err := survey(ctx, c)
	if err != nil {
		return Result{}, err
	}
	j := job{Config: c}
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range shares {
		g.Go(func() error { return j.read(ctx, s) })
	}
	err = g.Wait()
	return j.result(time.Since(started)), err
}

func (c *Config) check() error {
	c.ObjectSize = cmp.Or(c.ObjectSize, 16<<20)
	c.FetchBytes = cmp.Or(c.FetchBytes, 16<<20)
	c.PartitionBytes = cmp.Or(c.PartitionBytes, 1<<20)
	switch {
	case c.Topic == "" || len(c.Brokers) == 0:
		return errors.New("no topic or no brokers")
	case c.ObjectSize < 0 || c.FetchBytes < 0 || c.PartitionBytes < 0:
		return errors.New("a size below zero")
	case (c.Mode == Seal) != (len(c.Stores) > 0):
		return errors.New("want stores to seal for, and none to fetch only")
	}
	return nil
}

// job is one run: what is asked for and, for all brokers' loops together, what
// is done.
type job struct {
	Config
	events, batches, wire, objects, stored atomic.Int64
}

func (j *job) result(elapsed time.Duration) Result {
	return Result{
		Events: j.events.Load(), Batches: j.batches.Load(), Wire: j.wire.Load(),
		Objects: j.objects.Load(), Stored: j.stored.Load(), Elapsed: elapsed,
	}
}

// read takes one broker's partitions to their ends.
func (j *job) read(ctx context.Context, s *share) error {
	r, err := dialBroker(ctx, s.addr)
	if err != nil {
		return err
	}
	defer r.close()
	if j.Mode == Fetch {
		return s.run(j, r, func([]byte) error { return nil })
	}
	k, err := newSink(ctx, j)
	if err != nil {
		return err
	}
	defer k.close()
	if err := s.run(j, r, k.seal); err != nil {
		return err
	}
	return k.finish()
}
