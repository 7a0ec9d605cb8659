package restore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Translation is where a consumer group goes on in a restored partition.
type Translation struct {
	// Source is the archived offset that was to be read next, Target the restored
	// one: the number of restored records below Source. A group that goes on
	// there reads precisely the restored records that it had not read.
	Source int64 `json:"source"`
	Target int64 `json:"target"`
	// Clamp says why the group's own offset is not in what comes back; empty
	// when it is.
	Clamp Clamp `json:"clamped,omitempty"`
}

// Clamp says where an offset lies that the plan does not reach.
type Clamp string

// The clamps.
const (
	// ClampEnd: the group had read beyond what the plan reads. It goes on at the
	// end of what comes back.
	ClampEnd Clamp = "past-the-end"
	// ClampStart: what the group would read next is older than the archive. It
	// goes on at the beginning of what comes back.
	ClampStart Clamp = "before-the-archive"
)

// Translate turns offsets of an archived partition into those that a consumer
// group goes on at in the restored one. The result is in the order of offsets.
//
// A block that lies wholly under the cut, and that no other copy overlaps, is
// counted from its footer; what is opened of the others is decoded only where
// an offset or the cut lies within a batch. As [Plan.Batches] it does not ask
// whether the plan is refused.
func (p *Plan) Translate(ctx context.Context, src Source, topic string, partition int32, offsets []int64) ([]Translation, error) {
	pp, err := p.partition(topic, partition)
	if err != nil {
		return nil, err
	}
	if pp == nil {
		pp = &PartitionPlan{Number: partition}
	}
	start, end := pp.reach()
	c := newCount(p, pp, offsets)
	for _, cheaply := range []bool{true, false} {
		ok, err := c.run(ctx, src, topic, cheaply)
		if err != nil {
			return nil, fmt.Errorf("translate offsets of topic %s partition %d: %w", topic, partition, err)
		}
		if ok {
			break
		}
	}
	out := make([]Translation, len(offsets))
	for i, o := range offsets {
		at, _ := slices.BinarySearch(c.offsets, o)
		out[i] = Translation{Source: o, Target: c.below[at]}
		switch {
		case o > end:
			out[i].Clamp = ClampEnd
		case o < start:
			out[i].Clamp = ClampStart
		}
	}
	return out, nil
}

// reach returns the first and the last offset that the plan reads.
func (pp *PartitionPlan) reach() (start, end int64) {
	if len(pp.Stretches) == 0 {
		return 0, 0
	}
	return pp.Stretches[0].Base, pp.Stretches[len(pp.Stretches)-1].Next
}

// count counts the records that come back below some offsets.
type count struct {
	pp      *PartitionPlan
	cutter  cutter
	offsets []int64 // sorted, each once
	below   []int64 // records below each but not below the one before; sums in the end
	// bases are where segments begin although none ends there: the first batch
	// may begin below, and then the block counts records that are not its own.
	bases map[int64]bool

	mu     sync.Mutex // a source may call back from goroutines of its own
	blocks map[names.Digest]counted
}

// counted is a block that was met, and whether its footer is taken for it.
type counted struct {
	base, next int64
	records    int64
	skipped    bool
}

func newCount(p *Plan, pp *PartitionPlan, offsets []int64) *count {
	c := &count{pp: pp, cutter: p.cutter(pp, math.MaxInt), offsets: slices.Compact(slices.Sorted(slices.Values(offsets))), bases: map[int64]bool{}}
	ends := map[int64]bool{}
	for _, name := range pp.Segments {
		if r, err := names.ParseRange(name); err == nil {
			c.bases[r.Base] = true
			ends[r.Next] = true
		}
	}
	for base := range c.bases {
		c.bases[base] = !ends[base]
	}
	return c
}

// run is not ok if blocks that were counted from their footers turned out to
// overlap others. Counted one by one they are always right.
func (c *count) run(ctx context.Context, src Source, topic string, cheaply bool) (bool, error) {
	c.below = make([]int64, len(c.offsets))
	c.blocks = map[names.Digest]counted{}
	if len(c.offsets) == 0 {
		return true, nil
	}
	limit := c.offsets[len(c.offsets)-1]
	for _, s := range c.pp.Stretches {
		s.Next = min(s.Next, limit)
		if s.Next <= s.Base {
			continue
		}
		if err := c.stretch(ctx, src, topic, s, cheaply); err != nil {
			return false, err
		}
	}
	if c.overlapped() {
		return false, nil
	}
	for _, b := range c.blocks {
		if b.skipped {
			c.add(b.next, b.records)
		}
	}
	for i := 1; i < len(c.below); i++ {
		c.below[i] += c.below[i-1]
	}
	return true, nil
}

func (c *count) stretch(ctx context.Context, src Source, topic string, s Stretch, cheaply bool) error {
	skip := c.cutter.filter.skips
	if cheaply {
		skip = func(b segment.BlockInfo) bool { return c.skip(s, b) }
	}
	p := names.Partition{Topic: topic, Lineage: s.Lineage, Number: c.pp.Number}
	for piece, err := range src.Read(ctx, p, s.Base, s.Next, skip) {
		if err == nil {
			err = c.piece(piece)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// skip decides once about each block, and remembers it.
func (c *count) skip(s Stretch, b segment.BlockInfo) bool {
	if b.SHA256.IsZero() {
		return c.cutter.filter.skips(b) // it cannot be told from others
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if met, ok := c.blocks[b.SHA256]; ok {
		return met.skipped
	}
	out := counted{base: b.Base, next: b.Next}
	switch {
	case c.cutter.filter.skips(b):
		out.skipped = true // nothing of it comes back
	case c.tells(s, b):
		out.skipped, out.records = true, int64(b.Records)
	}
	c.blocks[b.SHA256] = out
	return out.skipped
}

// tells reports whether the footer says how many records of a block come back
// below each of the offsets: all of it is read, nothing is cut off, no marker is
// among its records, and none of the offsets lies within it.
func (c *count) tells(s Stretch, b segment.BlockInfo) bool {
	if b.Base < s.Base || b.Next > s.Next || b.Control || c.bases[b.Base] {
		return false
	}
	if b.MaxTimestamp > c.cutter.filter.to || c.cutter.filter.transactions != nil && b.Transactional {
		return false
	}
	at, exact := slices.BinarySearch(c.offsets, b.Base)
	if exact {
		at++
	}
	return at == len(c.offsets) || c.offsets[at] >= b.Next
}

// overlapped reports whether a block that was counted from its footer has
// offsets in common with any other that was met.
func (c *count) overlapped() bool {
	var all []counted
	for _, b := range c.blocks {
		all = append(all, b)
	}
	slices.SortFunc(all, func(x, y counted) int { return cmp.Or(cmp.Compare(x.base, y.base), cmp.Compare(x.next, y.next)) })
	var end, certain int64 // of all blocks before, and of those that were counted
	for _, b := range all {
		taken := b.skipped && b.records > 0
		if b.base < certain || taken && b.base < end {
			return true
		}
		end = max(end, b.next)
		if taken {
			certain = max(certain, b.next)
		}
	}
	return false
}

// add counts records that all lie below an offset, and none of them below any
// of the offsets that are at or below their first.
func (c *count) add(next, records int64) {
	if at, _ := slices.BinarySearch(c.offsets, next); at < len(c.below) {
		c.below[at] += records
	}
}

// piece counts what comes back of a piece. It decodes nothing where the header
// tells.
func (c *count) piece(p Piece) error {
	share := c.cutter.filter.ofPiece(p)
	if share == none {
		return nil
	}
	if h, _, ok := p.Whole(); ok && share == all && !c.within(h) {
		c.add(h.NextOffset(), int64(h.Count))
		return nil
	}
	for rec, err := range p.Records(c.cutter.decoder) {
		if err != nil {
			return fmt.Errorf("decode batch: %w", err)
		}
		if c.cutter.filter.takes(share, rec.Timestamp) {
			c.add(rec.Offset+1, 1)
		}
	}
	return nil
}

// within reports whether one of the offsets lies within a batch.
func (c *count) within(h recordbatch.Header) bool {
	at, exact := slices.BinarySearch(c.offsets, h.BaseOffset)
	if exact {
		at++
	}
	return at < len(c.offsets) && c.offsets[at] < h.NextOffset()
}
