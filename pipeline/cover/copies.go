package cover

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// copies are all copies of one segment, the nearest first. A block is read
// from the first copy that gives it; the others are opened only when needed.
//
// Where the archive hedges, there is one more state beside those of the copies:
// shared, whose bytes come from whichever region gives them. When what it gives
// is of no use, each copy is opened by itself, and so it is known whose fault
// that is.
type copies struct {
	archive *Archive
	cand    Candidate
	// ranged says to leave the object where it is and read what is wanted.
	ranged bool
	// wanted tells which blocks are going to be read; nil: all.
	wanted func(segment.BlockInfo) bool
	// ends, if it is not nil, says to open segments from their ends.
	ends Ends

	// running counts the goroutines of the Read; it may be nil.
	running *sync.WaitGroup

	shared *copyState
	list   []*copyState // by place; nil: not opened by itself yet
	// troubles are the errors of regions that another stood in for.
	troubles []*CopyError
	fetched  [][]byte // whole objects
}

// copyState is one copy. It is opened once; an error stays.
type copyState struct {
	place  int
	whole  bool // it is in memory
	ranges *ranges
	reader *segment.Reader
	secret block.Secret
	err    *CopyError
}

// open returns the reader of the first copy that opens, or why none does. What
// the footer says is the same in every copy, since the name is its digest.
func (c *copies) open(ctx context.Context) (*segment.Reader, []*CopyError) {
	var reader *segment.Reader
	_, errs := c.try(ctx, func(s *copyState) error {
		reader = s.reader
		return nil
	})
	if reader == nil {
		return nil, errs
	}
	return reader, nil
}

// try runs use on one copy after the other until it succeeds, and returns the
// place that served. The errors are those of the copies that did not.
func (c *copies) try(ctx context.Context, use func(*copyState) error) (place int, errs []*CopyError) {
	place, blamed := -1, -1
	if c.archive.options.Hedge && len(c.cand.Places) > 1 {
		if place, blamed, errs = c.tryShared(ctx, use); place >= 0 {
			return place, errs
		}
	}
	for i := range c.cand.Places {
		if i == blamed {
			continue
		}
		s := c.state(ctx, i)
		if s.err != nil {
			errs = append(errs, s.err)
			continue
		}
		err := use(s)
		if err == nil {
			return i, errs
		}
		errs = append(errs, c.failed(i, err))
	}
	return -1, errs
}

// tryShared is try with the bytes of any region. The place is -1 if that was of
// no use, and blamed is the copy whose fault it was, with its error, if that is
// known.
func (c *copies) tryShared(ctx context.Context, use func(*copyState) error) (place, blamed int, errs []*CopyError) {
	if c.shared == nil {
		c.shared = c.openShared(ctx)
		c.blame(c.shared)
	}
	s := c.shared
	if s.err != nil {
		return -1, -1, nil
	}
	if !s.whole {
		s.ranges.used.Store(0)
	}
	err := use(s)
	errs = s.ranges.take()
	c.troubles = append(c.troubles, errs...)
	if err == nil {
		return c.placeOf(int(s.ranges.served.Load())), -1, errs
	}
	if by := s.ranges.culprit(); by >= 0 && kindOf(err) != KindUnreachable {
		blamed = c.placeOf(by)
		return -1, blamed, []*CopyError{c.failed(blamed, err)}
	}
	return -1, -1, nil // each copy says for itself what is wrong with it
}

// blame keeps what is known of single copies when they did not open together.
func (c *copies) blame(s *copyState) {
	if s.err == nil {
		return
	}
	for _, e := range s.ranges.take() {
		i := c.placeOf(c.archive.index(e.Region))
		c.own(i)
		c.list[i] = &copyState{place: i, err: e}
	}
	page := (*PageError)(nil)
	if by := s.ranges.culprit(); by >= 0 && kindOf(s.err) != KindUnreachable && !errors.As(s.err, &page) {
		i := c.placeOf(by)
		c.own(i)
		c.list[i] = &copyState{place: i, err: c.failed(i, s.err.Err)}
	}
}

// openShared begins with the first region that is in turn, and goes on to others
// that list as many bytes under the name: a copy of another length is not the
// same.
func (c *copies) openShared(ctx context.Context) *copyState {
	var all []int
	for _, p := range c.cand.Places {
		all = append(all, c.archive.index(p.Region))
	}
	order := c.archive.inOrder(ctx, all, c.running)
	s := &copyState{place: c.placeOf(order[0])}
	size := c.cand.Places[s.place].Info.Size
	same := slices.DeleteFunc(slices.Clone(order), func(i int) bool { return c.cand.Places[c.placeOf(i)].Info.Size != size })
	c.openCopy(ctx, s, same)
	return s
}

// placeOf is the place of a region among those of the candidate.
func (c *copies) placeOf(region int) int {
	name := c.archive.regions[region].Name
	return slices.IndexFunc(c.cand.Places, func(p Place) bool { return p.Region == name })
}

// state is that of a copy by itself.
func (c *copies) state(ctx context.Context, i int) *copyState {
	if c.own(i) == nil {
		s := &copyState{place: i}
		c.openCopy(ctx, s, []int{c.archive.index(c.cand.Places[i].Region)})
		c.list[i] = s
	}
	return c.list[i]
}

// own is the state of a copy if it is known.
func (c *copies) own(i int) *copyState {
	if c.list == nil {
		c.list = make([]*copyState, len(c.cand.Places))
	}
	return c.list[i]
}

func (c *copies) failed(i int, err error) *CopyError {
	return &CopyError{Region: c.cand.Places[i].Region, Object: c.cand.String(), Err: err}
}

// failures are the copies that did not open, and those that others stood in for.
func (c *copies) failures() []*CopyError {
	out := slices.Clone(c.troubles)
	for _, s := range c.list {
		if s != nil && s.err != nil {
			out = append(out, s.err)
		}
	}
	return out
}

// block returns the body of a block.
func (c *copies) block(ctx context.Context, n int) (body []byte, place int, errs []*CopyError) {
	place, errs = c.try(ctx, func(s *copyState) (err error) {
		body, err = s.reader.Block(n, s.secret, nil)
		return err
	})
	return body, place, errs
}

// filter returns the filter of a block; nil, which says maybe, if no copy has
// a sound one.
func (c *copies) filter(ctx context.Context, n int) (f *block.Filter, errs []*CopyError) {
	_, errs = c.try(ctx, func(s *copyState) (err error) {
		f, err = s.reader.Filter(n, s.secret)
		return err
	})
	return f, errs
}

// openCopy opens a copy whose bytes come from these regions.
func (c *copies) openCopy(ctx context.Context, s *copyState, regions []int) {
	r := &c.archive.regions[regions[0]]
	s.ranges = &ranges{archive: c.archive, key: c.cand.String(), size: c.cand.Places[s.place].Info.Size, regions: regions, running: c.running}
	var err error
	if s.reader, s.whole, err = c.read(ctx, r, s.ranges); err == nil {
		s.secret, err = c.secret(ctx, r, s.reader)
	}
	if err != nil {
		s.err = c.failed(s.place, err)
	}
}

// read opens an object: all of it at once, or by ranges where it is large or
// most of it is not wanted.
func (c *copies) read(ctx context.Context, r *Region, from *ranges) (s *segment.Reader, whole bool, err error) {
	if c.ends != nil {
		s, err = c.atEnd(ctx, r, from)
		return s, false, err
	}
	if size := from.size; size > wholeLimit || c.ranged && size > smallObject {
		far := &remote{ctx: ctx, ranges: from, running: c.running}
		s, err = c.archive.openSegment(ctx, r, c.cand.Range, far, size)
		if err == nil && (size > wholeLimit || c.sparse(s)) {
			far.ahead, far.on = c.ahead(s)
			return s, false, nil
		}
		if size > wholeLimit {
			return nil, false, err
		}
	}
	data, err := c.fetch(ctx, from)
	if err != nil {
		return nil, false, err
	}
	s, err = c.archive.openSegment(ctx, r, c.cand.Range, bytes.NewReader(data), int64(len(data)))
	return s, true, err
}

// fetch reads a whole object into memory that is used again. The store's own
// checksum is not asked for: what is read is under the footer's SHA-256, and the
// footer is signed.
func (c *copies) fetch(ctx context.Context, from *ranges) ([]byte, error) {
	data, by, err := from.read(ctx, 0, from.size, nil, &c.archive.buffers)
	if err != nil {
		return nil, err
	}
	from.used.Store(0)
	from.hand(by)
	c.fetched = append(c.fetched, data)
	return data, nil
}

// recycle gives back the memory of what was fetched. Nothing may be read from
// the copies after it.
func (c *copies) recycle() {
	for _, data := range c.fetched {
		c.archive.buffers.put(data)
	}
	c.fetched = nil
}

// sparse reports whether less than half of a segment is wanted.
func (c *copies) sparse(s *segment.Reader) bool {
	if c.wanted == nil {
		return true
	}
	var bytes int64
	for _, b := range s.Footer().Blocks {
		if c.wanted(b) {
			bytes += int64(b.Stored)
		}
	}
	return 2*bytes < s.Size()
}

// ahead is how much a ranged read asks for, and whether it goes on behind that
// before it is asked to. Filters lie side by side and are small; blocks are read
// in a row unless most are left out.
func (c *copies) ahead(s *segment.Reader) (bytes int64, on bool) {
	if c.ranged && c.sparse(s) {
		return smallObject, false
	}
	return window, true
}

// secret prefers the region of the copy and takes another's page if need be:
// to read, one page anywhere is enough.
func (c *copies) secret(ctx context.Context, own *Region, s *segment.Reader) (block.Secret, error) {
	secret, by, errs := first(ctx, question[block.Secret]{
		archive: c.archive, regions: c.archive.from(own.Name), bytes: smallObject, keys: true, running: c.running,
		ask: func(ctx context.Context, r *Region) (block.Secret, error) { return secretIn(ctx, r, s) },
	})
	if by < 0 {
		return secret, reason(ctx, errs, c.archive.index(own.Name))
	}
	return secret, nil
}
