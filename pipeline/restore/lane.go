package restore

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// lane brings back one partition. Its reader cuts batches ahead, its shipper
// produces them.
type lane struct {
	*execution
	topic  TopicPlan
	plan   PartitionPlan
	place  place
	id     names.TopicID
	cutter cutter

	// there is how many records the target held when this run began; it falls
	// to 0 while the reader skips them.
	there int64
	// last is the last of those records.
	last   *recordbatch.Record
	result PartitionResult

	// What follows belongs to the shipper. out are the batches posted and not
	// yet answered, the oldest first; known is true once the leader has
	// acknowledged one, see ship.
	out   []flight
	known bool
}

// loaded is a batch that waits for its turn.
type loaded struct {
	batch  []byte
	buffer *[]byte // that batch lies in, if it is to be used again
	count  int32
	base   int64 // the target offset that it must get
	weight int64 // of the memory it holds
}

// ErrTargetAhead reports a target partition with more records than the plan can
// have put there.
var ErrTargetAhead = errors.New("the target holds more records than the plan brings")

// run returns nil when the last batch of the partition was acknowledged.
func (l *lane) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan loaded, laneDepth)
	g.Go(func() error {
		defer close(queue)
		return l.read(ctx, queue)
	})
	g.Go(func() error { return l.ship(ctx, queue) })
	if err := g.Wait(); err != nil {
		return fmt.Errorf("restore topic %s partition %d into %s: %w", l.topic.From, l.plan.Number, l.topic.Into, err)
	}
	return nil
}

// read cuts the plan's offsets into batches, skips the records that are in the
// target, and queues the others.
func (l *lane) read(ctx context.Context, queue chan<- loaded) error {
	next := int64(0)
	for piece, err := range l.plan.read(ctx, l.source, l.topic.From, 0, l.cutter.filter.skips) {
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		cuts, err := l.cutter.cut(piece)
		if err != nil {
			return err
		}
		for _, c := range cuts {
			l.result.count(c)
			if err := l.load(ctx, c, next, queue); err != nil {
				return err
			}
			next += int64(c.count)
		}
	}
	if l.there > 0 {
		return fmt.Errorf("%w: %d records, %d more", ErrTargetAhead, next, l.there)
	}
	return nil
}

// load queues what of a batch is not in the target yet. base is the target
// offset of its first record.
func (l *lane) load(ctx context.Context, c cut, base int64, queue chan<- loaded) error {
	if l.there > 0 && l.there <= int64(c.count) {
		if err := l.sameAsThere(c); err != nil {
			return err
		}
	}
	if l.there >= int64(c.count) {
		l.there -= int64(c.count)
		l.skipped(int64(c.count))
		return nil
	}
	if l.there > 0 {
		// The run before cut these records elsewhere, as happens when segments
		// were rolled up since.
		rest, err := l.cutter.part(c, int32(l.there), c.count)
		if err != nil {
			return err
		}
		l.skipped(l.there)
		c, base, l.there = rest, base+l.there, 0
	}
	weight := min(int64(len(c.bytes)), l.options.Memory)
	if err := l.memory.Acquire(ctx, weight); err != nil {
		return err
	}
	if err := l.pace(ctx, len(c.bytes)); err != nil {
		return err
	}
	item := loaded{count: c.count, base: base, weight: weight}
	item.batch, item.buffer = l.buffers.own(c)
	if !recordbatch.SetProducer(item.batch, l.state.ProducerID, l.state.ProducerEpoch, sequence(base)) {
		return fmt.Errorf("set producer of the batch at archived offset %d: the batch is not fit to be produced", c.first)
	}
	select {
	case queue <- item:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sequence is the sequence of the record with a target offset: the restore is
// the only producer, so sequences and offsets count the same records. Sequences
// go on at 0 after the highest int32.
func sequence(offset int64) int32 { return int32(offset & 0x7fffffff) }

// pace waits until the rate limit lets so many bytes through.
func (l *lane) pace(ctx context.Context, size int) error {
	if l.limiter == nil {
		return nil
	}
	for size > 0 {
		n := min(size, l.limiter.Burst())
		if err := l.limiter.WaitN(ctx, n); err != nil {
			return err
		}
		size -= n
	}
	return nil
}
