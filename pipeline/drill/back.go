package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// toNowhere takes every batch of the plan as a broker would: its CRC, its
// records, their number. The error is that of the context.
func (d *drill) toNowhere(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(d.options.Parallel)
	for _, t := range d.plan.Topics {
		for _, p := range t.Partitions {
			at := place{t.From, p.Number}
			row := d.row(at)
			g.Go(func() error {
				records, err := d.partitionToNowhere(ctx, at)
				d.count(row, Counts{Records: records})
				d.clock.partDone()
				return d.lost(ctx, at, err)
			})
		}
	}
	return g.Wait()
}

func (d *drill) partitionToNowhere(ctx context.Context, at place) (records int64, err error) {
	decoder := recordbatch.NewDecoder(0)
	for b, err := range d.plan.Batches(ctx, d.source, at.topic, at.partition) {
		if err != nil {
			return records, err
		}
		n, err := decode(decoder, b)
		if err != nil {
			return records, err
		}
		records += n
		d.clock.back(n, int64(len(b.Bytes)))
		if err := d.limit.spend(ctx, len(b.Bytes)); err != nil {
			return records, err
		}
	}
	return records, nil
}

// decode reads a batch as its consumer would.
func decode(d *recordbatch.Decoder, b restore.Batch) (records int64, err error) {
	if _, _, _, err := recordbatch.Next(b.Bytes); err != nil {
		return 0, fmt.Errorf("batch of offset %d: %w", b.First, err)
	}
	for _, err := range d.Records(b.Bytes) {
		if err != nil {
			return records, fmt.Errorf("batch of offset %d: %w", b.First, err)
		}
		records++
	}
	if records != int64(b.Count) {
		return records, fmt.Errorf("batch of offset %d: %d records, it says %d", b.First, records, b.Count)
	}
	return records, nil
}

// lost makes a finding of what does not come back, unless the drill is to end.
func (d *drill) lost(ctx context.Context, at place, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	found := cover.Finding{Kind: KindNotRestored, Partition: at.String(), Detail: err.Error()}
	if lost := (*cover.LostError)(nil); errors.As(err, &lost) {
		found.Kind, found.Partition, found.Offsets = cover.KindLost, lost.Partition.String(), &lost.Offsets
	}
	d.finds.add(at, found)
	d.broken(at)
	return nil
}

// broken remembers that a partition did not come back: a comparison of the rest
// would say the same again.
func (d *drill) broken(at place) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.incomplete[at] = true
}

// toKafka restores into scratch topics. They exist from here on until sweep.
func (d *drill) toKafka(ctx context.Context) error {
	t := d.options.Target
	dir, err := os.MkdirTemp(t.StateDir, "drill-")
	if err != nil {
		return fmt.Errorf("make a folder for the state of the restore: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := d.plan.Refused(); err != nil {
		return err
	}
	before := restore.Progress{}
	result, err := restore.Execute(ctx, d.plan, d.source, t.Client, restore.Options{
		StateFile: filepath.Join(dir, "state.json"), MaxRate: d.options.MaxRate, Parallel: d.options.Parallel, Logger: d.options.Logger,
		Progress: func(p restore.Progress) {
			d.clock.back(p.Records-before.Records, p.Bytes-before.Bytes)
			before = p
		},
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, p := range result.Partitions {
		d.row(place{p.From, p.Number}).Records += p.Records
		d.clock.partDone()
	}
	if err != nil {
		return d.lost(ctx, place{}, err)
	}
	return nil
}
