package cover

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// copies are all copies of one segment, the nearest first. A block is read
// from the first copy that gives it; the others are opened only when needed.
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

	list    []*copyState // by place
	fetched [][]byte     // whole objects
}

// copyState is one copy. It is opened once; an error stays.
type copyState struct {
	reader *segment.Reader
	secret block.Secret
	err    *CopyError
}

// open returns the reader of the first copy that opens, or why none does. What
// the footer says is the same in every copy, since the name is its digest.
func (c *copies) open(ctx context.Context) (*segment.Reader, []*CopyError) {
	var errs []*CopyError
	for i := range c.cand.Places {
		s := c.state(ctx, i)
		if s.err == nil {
			return s.reader, nil
		}
		errs = append(errs, s.err)
	}
	return nil, errs
}

func (c *copies) state(ctx context.Context, i int) *copyState {
	for len(c.list) <= i {
		s := &copyState{}
		if err := c.openCopy(ctx, c.cand.Places[len(c.list)], s); err != nil {
			s.err = c.failed(len(c.list), err)
		}
		c.list = append(c.list, s)
	}
	return c.list[i]
}

func (c *copies) failed(i int, err error) *CopyError {
	return &CopyError{Region: c.cand.Places[i].Region, Object: c.cand.String(), Err: err}
}

// try runs use on one copy after the other until it succeeds, and returns the
// place that served. The errors are those of the copies that did not.
func (c *copies) try(ctx context.Context, use func(*copyState) error) (place int, errs []*CopyError) {
	for i := range c.cand.Places {
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

func (c *copies) openCopy(ctx context.Context, p Place, s *copyState) error {
	r, err := c.archive.region(p.Region)
	if err != nil {
		return err
	}
	if s.reader, err = c.read(ctx, r, p); err != nil {
		return err
	}
	s.secret, err = c.secret(ctx, r, s.reader)
	return err
}

// read opens an object: all of it at once, or by ranges where it is large or
// most of it is not wanted.
func (c *copies) read(ctx context.Context, r *Region, p Place) (*segment.Reader, error) {
	if c.ends != nil {
		return c.atEnd(ctx, r, p)
	}
	if size := p.Info.Size; size > wholeLimit || c.ranged && size > smallObject {
		far := &remote{ctx: ctx, objects: r.Objects, key: c.cand.String(), size: size, running: c.running}
		s, err := c.archive.openSegment(ctx, r, c.cand.Range, far, size)
		if err == nil && (size > wholeLimit || c.sparse(s)) {
			far.ahead, far.on = c.ahead(s)
			return s, nil
		}
		if size > wholeLimit {
			return nil, err
		}
	}
	data, err := c.fetch(ctx, r, p.Info.Size)
	if err != nil {
		return nil, err
	}
	return c.archive.openSegment(ctx, r, c.cand.Range, bytes.NewReader(data), int64(len(data)))
}

// fetch reads a whole object into memory that is used again. The store's own
// checksum is not asked for: what is read is under the footer's SHA-256, and the
// footer is signed.
func (c *copies) fetch(ctx context.Context, r *Region, size int64) ([]byte, error) {
	data := c.archive.buffers.get(size)
	n, err := r.Objects.ReadAt(ctx, c.cand.String(), data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c.fetched = append(c.fetched, data)
	return data[:n], nil
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
	secret, first := secretIn(ctx, own, s)
	if first == nil {
		return secret, nil
	}
	for i := range c.archive.regions {
		r := &c.archive.regions[i]
		if r.Name == own.Name {
			continue
		}
		if secret, err := secretIn(ctx, r, s); err == nil {
			return secret, nil
		}
	}
	return secret, first
}
