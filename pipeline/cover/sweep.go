package cover

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// sweep goes over the offsets once, from low to high, with every segment that
// covers the current one open. It is used by one goroutine.
type sweep struct {
	archive *Archive
	m       *Map
	options ReadOptions
	fetch   ahead
	open    []*source

	// pos is the offset up to which everything was yielded or reported; end is
	// where the sweep ends.
	pos, end int64
	// vouched is what some copy gave or left out on request, from pos on;
	// failures are the ranges that some copy should have given.
	vouched  Coverage
	failures []failure
	gaps     []Candidate // not yet looked at

	reported map[copyKey]bool
}

type failure struct {
	offsets Offsets
	errs    []*CopyError
}

// copyKey names one copy of an object.
type copyKey struct{ region, object string }

type yieldFunc func(Piece, error) bool

// errStop says that the loop over the iterator has ended.
var errStop = errors.New("stopped")

// run yields everything. Its error ends the iteration.
func (s *sweep) run(ctx context.Context, yield yieldFunc) error {
	for {
		low, err := s.lowest(ctx, yield)
		if err != nil {
			return err
		}
		if low == nil {
			return s.settle(ctx, s.end, yield)
		}
		if err := s.settle(ctx, low.head.window.Base, yield); err != nil {
			return err
		}
		parts, err := s.join(ctx, low)
		if err != nil {
			return err
		}
		piece := newPiece(parts, s.options.report)
		s.pos = piece.Next()
		s.vouched.forget(s.pos)
		if !yield(piece, nil) {
			return errStop
		}
	}
}

// lowest returns the open source whose next batch comes first, nil at the end.
// Every segment that may hold an earlier one is opened first.
func (s *sweep) lowest(ctx context.Context, yield yieldFunc) (*source, error) {
	for {
		s.drop(ctx)
		low := s.first()
		if len(s.fetch.queue) == 0 {
			return low, ctx.Err()
		}
		next := s.fetch.queue[0].window.Base
		if low != nil && low.head.window.Base < next {
			return low, nil
		}
		if low == nil {
			// What ends here is reported before the next segment is asked for.
			if err := s.settle(ctx, next, yield); err != nil {
				return nil, err
			}
		}
		if err := s.activate(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *sweep) first() *source {
	var low *source
	for _, src := range s.open {
		if low == nil || src.head.window.Base < low.head.window.Base {
			low = src
		}
	}
	return low
}

// drop closes the sources that have no batch left.
func (s *sweep) drop(ctx context.Context) {
	s.open = slices.DeleteFunc(s.open, func(src *source) bool {
		if src.done {
			s.fetch.release(ctx, src)
		}
		return src.done
	})
}

func (s *sweep) activate(ctx context.Context) error {
	src, err := s.fetch.take(ctx)
	if err != nil {
		return err
	}
	s.open = append(s.open, src)
	s.beginning(src)
	src.begin(ctx, s)
	return ctx.Err()
}

// beginning reports what begins a partition and yet names a predecessor: what
// was before it is gone from every region, name and all.
func (s *sweep) beginning(src *source) {
	span, _ := s.m.Span()
	c, root := src.copies.cand, s.m.Partition.Lineage.Branch == names.RootBranch
	if !root || src.reader == nil || src.window.Base != span.Base || src.reader.Footer().Prev.IsZero() {
		return
	}
	s.options.report(Finding{
		Kind: KindNoBeginning, Object: c.String(), Partition: c.Partition.String(), Advice: KindNoBeginning.Advice(),
		Detail: fmt.Sprintf("something with digest %s ended at offset %d, and no region holds it", src.reader.Footer().Prev, c.Base),
	})
}

// join takes the batch of a source and every other that overlaps it, directly
// or through a third.
func (s *sweep) join(ctx context.Context, low *source) ([]part, error) {
	parts := []part{low.head}
	next := low.head.window.Next
	low.advance(ctx, s)
	for again := true; again; {
		again = false
		for len(s.fetch.queue) > 0 && s.fetch.queue[0].window.Base < next {
			if err := s.activate(ctx); err != nil {
				return nil, err
			}
		}
		for _, src := range s.open {
			for !src.done && src.head.window.Base < next {
				parts = append(parts, src.head)
				next = max(next, src.head.window.Next)
				src.advance(ctx, s)
				again = true
			}
		}
	}
	return parts, ctx.Err()
}

// vouch, fail, skip and note make a sweep the account of its sources.

func (s *sweep) vouch(o Offsets) { s.vouched.Add(o) }

func (s *sweep) fail(o Offsets, src *source, errs []*CopyError) {
	s.note(src, errs)
	s.failures = append(s.failures, failure{o, errs})
}

func (s *sweep) note(src *source, errs []*CopyError) {
	for _, e := range errs {
		s.report(src.copies.cand, e)
	}
}

func (s *sweep) report(c Candidate, e *CopyError) {
	key := copyKey{e.Region, e.Object}
	if s.reported[key] {
		return
	}
	s.reported[key] = true
	s.options.report(FindingOf(c, e))
}

func (o *ReadOptions) report(f Finding) {
	if o.Report != nil {
		o.Report(f)
	}
}

// skip asks the caller, and the filter if a key is looked for. A filter that
// cannot be read says maybe.
func (s *sweep) skip(ctx context.Context, src *source, n int) bool {
	info := src.reader.Footer().Blocks[n]
	if st := s.options.Stats; st != nil {
		st.Blocks++
	}
	skip := s.options.SkipBlock != nil && s.options.SkipBlock(info)
	if !skip && s.options.keyed() {
		skip = s.absent(ctx, src, n, info)
	}
	if st := s.options.Stats; st != nil && !skip {
		st.Opened++
	}
	return skip
}

func (s *sweep) absent(ctx context.Context, src *source, n int, info segment.BlockInfo) bool {
	if info.Filter.Length == 0 {
		return false
	}
	f, errs := src.copies.filter(ctx, n)
	s.note(src, errs)
	return f != nil && !s.options.mayContain(f)
}

// mayContain asks a filter for the keys that are looked for.
func (o *ReadOptions) mayContain(f *block.Filter) bool {
	return o.Key != nil && f.Contains(o.Key) || slices.ContainsFunc(o.Keys, f.Contains)
}
