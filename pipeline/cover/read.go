package cover

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// ReadOptions say what to read of a partition.
type ReadOptions struct {
	// From and To bound the offsets, [From, To). A To that is not above 0 means
	// up to the end.
	From, To int64
	// SkipBlock leaves out a block that it is true for: its offsets count as
	// read. It may be nil, and is called in no certain order.
	SkipBlock func(segment.BlockInfo) bool
	// Key leaves out blocks whose filter says that no record in them has this
	// key. What is read still holds other keys. It is nil to read all.
	Key []byte
	// Keys, if there are any, leave out blocks whose filter says that no record
	// in them has one of these keys. A null key is in no filter: with one of them
	// every block is read.
	Keys [][]byte
	// Ends, if it is not nil, remembers ends of segments, and segments are
	// opened from their ends: for a caller who reads few blocks of each.
	Ends Ends
	// Report is told of damage, once for each copy of an object, and of gaps. It
	// is called by the goroutine that iterates. It may be nil.
	Report func(Finding)
	// Stats counts, if it is not nil.
	Stats *ReadStats
}

// keyed reports whether only some keys are looked for.
func (o *ReadOptions) keyed() bool { return o.Key != nil || len(o.Keys) > 0 }

// ReadStats counts the blocks of one Read.
type ReadStats struct {
	// Blocks are those that overlap what is read, Opened those that were
	// decrypted.
	Blocks, Opened int64
}

// Read yields the records of a partition in offset order, each offset once,
// from any copy that is signed and opens.
//
// A block that one region cannot give is taken from the other, or from another
// segment that covers its offsets. Where nothing serves an offset, not even a
// signed gap that explains it, Read yields a *LostError in its place and goes on
// if the loop does. Offsets below the first name and above the last are not
// looked for. Any other error ends the iteration.
//
// Segments are fetched ahead, a few at a time; everything has ended when the
// loop has.
func (a *Archive) Read(ctx context.Context, p names.Partition, o ReadOptions) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		m, err := a.Map(ctx, p)
		if err != nil {
			yield(Piece{}, err)
			return
		}
		for piece, err := range a.ReadMap(ctx, m, o) {
			if !yield(piece, err) {
				return
			}
		}
	}
}

// ReadMap is Read from a map that was listed before, so that two reads of one
// map see the same candidates.
func (a *Archive) ReadMap(ctx context.Context, m *Map, o ReadOptions) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		span, ok := m.Span()
		if o.To <= 0 {
			o.To = math.MaxInt64
		}
		span = span.clip(Offsets{max(o.From, 0), o.To})
		if !ok || span.empty() {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		s := newSweep(a, m, o, span)
		for _, f := range m.Strays {
			o.report(f)
		}
		defer func() { s.fetch.end(s.open) }()
		defer cancel()
		if err := s.run(ctx, yield); err != nil && !errors.Is(err, errStop) {
			yield(Piece{}, fmt.Errorf("read %s: %w", m.Partition, err))
		}
	}
}

func newSweep(a *Archive, m *Map, o ReadOptions, span Offsets) *sweep {
	s := &sweep{archive: a, m: m, options: o, pos: span.Base, end: span.Next, reported: map[copyKey]bool{}}
	s.fetch.room = &a.room
	for _, c := range m.Segments {
		w := c.Offsets().clip(span)
		if w.empty() {
			continue
		}
		src := &source{window: w, ready: make(chan struct{}), copies: copies{archive: a, cand: c, ends: o.Ends}}
		src.copies.running = &s.fetch.running
		src.copies.ranged = o.SkipBlock != nil || o.keyed() || w != c.Offsets()
		if !o.keyed() {
			src.copies.wanted = func(b segment.BlockInfo) bool {
				in := !(Offsets{b.Base, b.Next}).clip(w).empty()
				return in && (o.SkipBlock == nil || !o.SkipBlock(b))
			}
		}
		s.fetch.queue = append(s.fetch.queue, src)
	}
	for _, g := range m.Gaps {
		if !g.Offsets().clip(span).empty() {
			s.gaps = append(s.gaps, g)
		}
	}
	slices.SortStableFunc(s.fetch.queue, func(x, y *source) int { return compare(x.window.Base, y.window.Base) })
	return s
}
