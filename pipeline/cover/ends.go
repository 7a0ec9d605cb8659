package cover

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Ends remembers the ends of segments: what follows the bodies, which are the
// sealed filters, the footer and the trailer. It saves requests and is not
// believed: an end is opened as if a region had given it, signature first. It
// is used by many goroutines at a time.
type Ends interface {
	// End returns the end of a segment and the size of the whole object in
	// bytes, or nil. The caller does not change it.
	End(name names.Range) (end []byte, size int64)
	// Keep is told of an end that was read from a region and verified. It does
	// not hold on to it.
	Keep(name names.Range, end []byte, size int64)
}

// maxEnd is the longest end that is taken into memory, in bytes: that of some
// 13 million records. Of longer ones, filters are read one by one.
const maxEnd = 16 << 20

// Glance is a segment opened at its end: what is in it, and what its filters
// say, without a body being read.
type Glance struct {
	copies copies
	reader *segment.Reader
}

// Glance opens a segment at its end, from the nearest copy that opens. The end
// comes from e, if it has a sound one, or from the region, and then e is told;
// e may be nil. The errors are those of the copies before the one that served,
// of all of them where the Glance is nil.
func (a *Archive) Glance(ctx context.Context, c Candidate, e Ends) (*Glance, []*CopyError) {
	g := &Glance{copies: copies{archive: a, cand: c, ranged: true, ends: e}}
	if e == nil {
		g.copies.ends = noEnds{}
	}
	reader, errs := g.copies.open(ctx)
	if reader == nil {
		return nil, errs
	}
	g.reader = reader
	return g, g.copies.failures()
}

// Footer describes the segment. Its blocks are shared and must not be changed.
func (g *Glance) Footer() segment.Footer { return g.reader.Footer() }

// Filter returns the filter of a block, nil, which says maybe, if it has none
// or no copy has a sound one. The errors are those of the copies that have not.
func (g *Glance) Filter(ctx context.Context, n int) (*block.Filter, []*CopyError) {
	if g.reader.Footer().Blocks[n].Filter.Length == 0 {
		return nil, nil
	}
	return g.copies.filter(ctx, n)
}

// noEnds remembers nothing.
type noEnds struct{}

func (noEnds) End(names.Range) ([]byte, int64) { return nil, 0 }
func (noEnds) Keep(names.Range, []byte, int64) {}

// atEnd opens a copy from its end: by no request if the end is remembered, by
// one mostly if it is not. What is remembered stands for the nearest copy: where
// that is of no use, the next is really another.
func (c *copies) atEnd(ctx context.Context, r *Region, from *ranges) (*segment.Reader, error) {
	far := &remote{ctx: ctx, ranges: from}
	if end, size := c.ends.End(c.cand.Range); c.untried() && end != nil && size == far.size {
		if s, err := c.openEnd(ctx, r, end, far); err == nil {
			return s, nil
		}
	}
	var end []byte
	for want := c.guess(far.size); ; {
		var err error
		if end, err = far.tail(want, end); err != nil {
			return nil, err
		}
		s, err := c.openEnd(ctx, r, end, far)
		if need := (*segment.NeedError)(nil); errors.As(err, &need) {
			want = need.Bytes
			continue
		}
		if err != nil {
			return nil, err
		}
		length := far.size - s.Footer().EndAt()
		if length > want && length <= maxEnd {
			want = length
			continue
		}
		if length <= want {
			c.ends.Keep(c.cand.Range, end[int64(len(end))-length:], far.size)
		}
		return s, nil
	}
}

// guess is how long the end of an object of size bytes is, with some room:
// 1.25 bytes a record and more where they are few, a footer with an entry for
// each block. Offsets that compaction left empty make it too long; no sound
// filter is a quarter of its segment.
func (c *copies) guess(size int64) int64 {
	if size <= smallObject {
		return size
	}
	filters := (c.cand.Next - c.cand.Base) / 16 * 21
	return min(filters+size>>10+16<<10, max(size/4, 64<<10), maxEnd)
}

func (c *copies) openEnd(ctx context.Context, r *Region, end []byte, far *remote) (*segment.Reader, error) {
	var s *segment.Reader
	err := c.archive.trusting(ctx, r, func() (err error) {
		s, err = segment.OpenEnd(end, &endSource{end, far}, far.size, c.archive.trust)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, s.CheckName(c.cand.String())
}

// endSource has the last bytes of an object in memory, and the rest far away.
type endSource struct {
	end []byte
	far *remote
}

// ReadAt is io.ReaderAt.
func (e *endSource) ReadAt(p []byte, off int64) (int, error) {
	at := off - (e.far.size - int64(len(e.end)))
	if at < 0 {
		return e.far.ReadAt(p, off)
	}
	n := copy(p, e.end[min(at, int64(len(e.end))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// tail returns the last n bytes of the object, of which those in have are
// known.
func (r *remote) tail(n int64, have []byte) ([]byte, error) {
	missing := n - int64(len(have))
	got, by, err := r.read(r.ctx, r.size-n, missing, make([]byte, n)[:missing], nil)
	if err != nil {
		return nil, err
	}
	r.hand(by)
	return append(got, have...), nil
}

// untried reports that no copy was opened before.
func (c *copies) untried() bool {
	return c.shared == nil && !slices.ContainsFunc(c.list, func(s *copyState) bool { return s != nil })
}
