package drill

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// digests compares every copy of every segment of the sample with what it says
// of itself under its signature.
func (d *drill) digests(ctx context.Context, sample chosen) error {
	d.steps = &steps{progress: d.options.Progress, now: Progress{Step: "comparing digests", Parts: len(sample.segments)}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(d.options.Parallel)
	for _, name := range sample.segments {
		row := d.row(place{name.Partition.Topic, name.Partition.Number})
		g.Go(func() error {
			counts, err := d.copies(ctx, name)
			d.count(row, counts)
			d.steps.add(0, 0, 1)
			return err
		})
	}
	return g.Wait()
}

// count adds to a row from any goroutine.
func (d *drill) count(row *Row, c Counts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	row.Counts.add(c)
}

// copies looks at a segment in every region. The error is that of the context.
func (d *drill) copies(ctx context.Context, name names.Range) (Counts, error) {
	c := Counts{Segments: 1}
	for _, region := range d.archive.Regions() {
		records, bytes, err := d.copy(ctx, region, name, c.Sealed == 0)
		if ctx.Err() != nil {
			return c, ctx.Err()
		}
		if err != nil {
			d.blame(ctx, region, name, err)
			continue
		}
		c.Copies++
		c.Sealed = max(c.Sealed, records)
		d.steps.add(0, bytes, 0)
	}
	return c, nil
}

// copy checks one copy: signature, name, length and key page; the SHA-256 of
// each block; and, where open is set, what the blocks hold.
func (d *drill) copy(ctx context.Context, region string, name names.Range, open bool) (records, bytes int64, err error) {
	o, _, err := d.archive.Load(ctx, region, name, wholeSegment)
	if err != nil {
		return 0, 0, err
	}
	if err := d.limit.spend(ctx, int(min(o.Info.Size, 1<<30))); err != nil {
		return 0, 0, err
	}
	if err := o.CheckBlocks(); err != nil {
		return 0, 0, err
	}
	if open {
		if records, err = count(o); err != nil {
			return 0, 0, &cover.CopyError{Region: region, Object: name.String(), Err: err}
		}
	}
	return records, o.Info.Size, nil
}

// errCount reports a segment that holds other batches than it says.
var errCount = errors.New("the segment does not hold what its footer says")

// count opens every block and compares what the batches say with the footer:
// offsets in order, within the block, and as many records.
func count(o *cover.Object) (all int64, err error) {
	var body []byte
	next := o.Name.Base
	for n, info := range o.Segment.Footer().Blocks {
		if body, err = o.Segment.Block(n, o.Secret, body); err != nil {
			return all, err
		}
		if info.Base < next {
			return all, fmt.Errorf("block %d begins at offset %d, the one before it ends at %d: %w", n, info.Base, next, errCount)
		}
		records, err := countBlock(body, info)
		if err != nil {
			return all, fmt.Errorf("block %d: %w", n, err)
		}
		all += records
		next = info.Next
	}
	if f := o.Segment.Footer(); uint64(all) != f.Records {
		return all, fmt.Errorf("%d records, its footer says %d: %w", all, f.Records, errCount)
	}
	return all, nil
}

func countBlock(body []byte, info segment.BlockInfo) (records int64, err error) {
	after := int64(-1)
	for {
		h, _, rest, err := recordbatch.Next(body)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return records, fmt.Errorf("%w: %w", err, segment.ErrDamaged)
		}
		if h.BaseOffset < after || h.NextOffset() > info.Next {
			return records, fmt.Errorf("batch [%d, %d) is out of order: %w", h.BaseOffset, h.NextOffset(), errCount)
		}
		records, after, body = records+int64(h.Count), h.NextOffset(), rest
	}
	if uint64(records) != info.Records {
		return records, fmt.Errorf("%d records, the footer says %d: %w", records, info.Records, errCount)
	}
	return records, nil
}

// blame makes a finding of a copy that is not as it should be. One that could
// not be reached, or that has lapsed, is none.
func (d *drill) blame(ctx context.Context, region string, name names.Range, err error) {
	failed := &cover.CopyError{Region: region, Object: name.String(), Err: err}
	if already := (*cover.CopyError)(nil); errors.As(err, &already) {
		failed = already
	}
	found := cover.FindingOf(cover.Candidate{Range: name}, failed)
	switch {
	case errors.Is(err, errCount):
		found.Kind, found.Advice = KindCount, adviceOf(KindCount)
	case found.Kind == cover.KindAbsent && d.lapsed(ctx, name):
		return
	}
	d.finds.report(found)
}

// lapsed reports whether a roll-up has taken the place of a segment: it has
// lapsed in one region, or has gone from all since the plan was made, and what
// every region lists holds its offsets still.
func (d *drill) lapsed(ctx context.Context, name names.Range) bool {
	m, err := d.archive.Map(ctx, name.Partition)
	if err != nil {
		return false
	}
	gone, err := d.archive.Lapsed(ctx, m)
	if _, ok := gone[name]; ok && err == nil {
		return true
	}
	everywhere := &cover.Coverage{}
	for _, c := range m.Segments {
		if c.Range == name {
			return false
		}
		if len(c.Places) == len(d.archive.Regions()) {
			everywhere.Add(c.Offsets())
		}
	}
	return len(everywhere.Missing(cover.Offsets{Base: name.Base, Next: name.Next})) == 0
}
