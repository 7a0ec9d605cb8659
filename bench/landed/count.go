package landed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/bench/load"
	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

const (
	// readers open segments side by side, one for each core of the machine
	// that figures are quoted for. Each holds a segment in memory.
	readers = 2
	// wholeLimit is the longest object that is read at once, in bytes; longer
	// ones are read block by block.
	wholeLimit = 64 << 20
	// maxProblems bounds the report: the first ones tell enough.
	maxProblems = 20
)

// Counted is what a count found.
type Counted struct {
	Regions []report.Region
	// Check compares every region with the ledger. An event is lost if some
	// region lacks it, changed if some region has another batch in its place,
	// and twice if a region has it where the broker acknowledged nothing, or
	// where it acknowledged a batch that was aborted.
	Check report.Check
	// Problems are the first things that are wrong, for a person.
	Problems []string
}

// Archive opens what a region holds; package cover's does.
type Archive interface {
	// Load verifies one object of a region and reads it; the segment in it then
	// needs no more requests unless it is longer than limit.
	Load(ctx context.Context, region string, name names.Range, limit int64) (*cover.Object, []byte, error)
}

// Count reads everything that the regions hold of the ledger's topic. The
// ledger must not grow meanwhile. What does not verify or open is a problem and
// counts as not there; the error is that of a listing, or of ctx.
func Count(ctx context.Context, a Archive, regions []Region, l *load.Ledger) (Counted, error) {
	c := newCounter(a, l, len(regions))
	places := map[names.Range][]place{}
	for i, r := range regions {
		sum, err := c.list(ctx, place{i, r.Name}, r.Objects, places)
		if err != nil {
			return Counted{}, fmt.Errorf("list region %s: %w", r.Name, err)
		}
		c.out.Regions = append(c.out.Regions, sum)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for name, in := range places {
		group.Go(func() error { return c.read(ctx, name, in) })
	}
	if err := group.Wait(); err != nil {
		return Counted{}, err
	}
	c.judge()
	return c.out, nil
}

// counter is the state of one count.
type counter struct {
	archive Archive
	ledger  *load.Ledger
	parts   []*account
	bodies  sync.Pool

	mu  sync.Mutex
	out Counted
}

// place is a region that lists a segment.
type place struct {
	number int
	name   string
}

func newCounter(a Archive, l *load.Ledger, regions int) *counter {
	c := &counter{archive: a, ledger: l, parts: make([]*account, l.Partitions())}
	for p := range c.parts {
		c.parts[p] = newAccount(l.Batches(int32(p)), regions)
	}
	c.bodies.New = func() any { return new([]byte) }
	return c
}

// list sums up what a region lists of the topic, and notes where its segments
// are.
func (c *counter) list(ctx context.Context, at place, objects Lister, places map[names.Range][]place) (sum report.Region, err error) {
	sum.Name = at.name
	lineage := names.Lineage{Topic: c.ledger.TopicID, Branch: names.RootBranch}
	for info, err := range objects.List(ctx, names.TopicPrefix(c.ledger.Topic), "") {
		if err != nil {
			return sum, err
		}
		sum.Objects++
		sum.Bytes += info.Size
		name, err := names.ParseRange(info.Key)
		if err != nil || name.Kind != names.KindSegment {
			continue // settings and gaps
		}
		if name.Partition.Lineage != lineage || int(name.Partition.Number) >= len(c.parts) {
			c.problem("region %s: %s is of another topic of this name", at.name, info.Key)
			continue
		}
		sum.Segments++
		places[name] = append(places[name], at)
	}
	return sum, nil
}

// read accounts for one segment, in each region that lists it. A copy that has
// the very bytes of one that was opened needs no opening. The error is that of
// ctx.
func (c *counter) read(ctx context.Context, name names.Range, in []place) error {
	var opened []byte
	var same []stored
	for _, at := range in {
		var found []stored
		o, data, err := c.archive.Load(ctx, at.name, name, wholeLimit)
		switch {
		case err != nil:
		case opened != nil && bytes.Equal(data, opened):
			found = same
		default:
			if found, err = c.open(o); err == nil {
				opened, same = data, found
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.problem("region %s: %s: %v", at.name, name, err)
		}
		c.parts[name.Partition.Number].add(at.number, found)
	}
	return nil
}

// open returns the batches of a segment, up to the first thing that is wrong.
func (c *counter) open(o *cover.Object) (found []stored, err error) {
	body := c.bodies.Get().(*[]byte)
	defer c.bodies.Put(body)
	for n := range o.Segment.Footer().Blocks {
		if *body, err = o.Segment.Block(n, o.Secret, *body); err != nil {
			return found, err
		}
		if found, err = walk(*body, o.Name, found); err != nil {
			return found, fmt.Errorf("block %d: %w", n, err)
		}
	}
	return found, nil
}

// walk adds the data batches of a block, each with the offsets that its segment
// vouches for.
func walk(body []byte, in names.Range, found []stored) ([]stored, error) {
	for {
		h, _, rest, err := recordbatch.Next(body)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		body = rest
		window := cover.Offsets{Base: max(h.BaseOffset, in.Base), Next: min(h.NextOffset(), in.Next)}
		if !h.IsControl() && window.Base < window.Next {
			found = append(found, stored{base: h.BaseOffset, crc: h.CRC, count: int64(h.Count), span: h.NextOffset() - h.BaseOffset, window: window})
		}
	}
}

func (c *counter) problem(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out.Problems) < maxProblems {
		c.out.Problems = append(c.out.Problems, fmt.Sprintf(format, args...))
	}
}

// judge sums up all partitions.
func (c *counter) judge() {
	check := &c.out.Check
	for p := range c.parts {
		v := c.parts[p].verdict()
		check.Expected += v.Expected
		check.Lost += v.Lost
		check.Twice += v.Twice
		check.Changed += v.Changed
		for i, n := range v.events {
			c.out.Regions[i].Events += n
		}
		for _, text := range v.problems {
			c.problem("partition %d: %s", p, text)
		}
	}
	slices.Sort(c.out.Problems)
}
