package cover

import (
	"context"
	"errors"
	"io"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// source is one segment as the sweep sees it: a row of batches in offset order
// and, on the way, which offsets it vouches for and which it should have but
// cannot give.
type source struct {
	copies copies
	window Offsets // of the segment, within what is read
	ready  chan struct{}
	// Set when ready is closed.
	reader *segment.Reader
	errs   []*CopyError

	// What follows belongs to the sweep.
	started bool
	room    int64    // taken for it, in bytes
	block   int      // the next one
	rest    []byte   // batches of the block before
	place   int      // that served rest
	origins []Origin // of that place; shared by all pieces
	head    part
	done    bool
}

// load fetches and opens. It runs in a goroutine of its own.
func (s *source) load(ctx context.Context) {
	defer close(s.ready)
	s.reader, s.errs = s.copies.open(ctx)
}

// account is where a source tells what became of its offsets.
type account interface {
	vouch(o Offsets)
	fail(o Offsets, s *source, errs []*CopyError)
	// skip decides whether a block is left out.
	skip(ctx context.Context, s *source, n int) bool
	// note reports copies that failed though another served.
	note(s *source, errs []*CopyError)
}

// begin settles a segment that does not open, or has no blocks.
func (s *source) begin(ctx context.Context, a account) {
	switch {
	case s.reader == nil:
		a.fail(s.window, s, s.errs)
		s.done = true
		return
	case len(s.reader.Footer().Blocks) == 0:
		a.vouch(s.window)
	}
	a.note(s, s.copies.failures())
	s.advance(ctx, a)
}

// advance moves head to the next batch that has an offset in the window, or
// sets done.
func (s *source) advance(ctx context.Context, a account) {
	for ctx.Err() == nil {
		if s.next() {
			return
		}
		if s.block >= len(s.reader.Footer().Blocks) {
			break
		}
		s.open(ctx, a)
	}
	s.done = true
}

// next takes batches off the open block. Its batches were checked when it was
// opened.
func (s *source) next() bool {
	for len(s.rest) > 0 {
		h, err := recordbatch.ParseHeader(s.rest)
		if err != nil {
			return false
		}
		batch := s.rest[:h.Size():h.Size()]
		s.rest = s.rest[h.Size():]
		w := Offsets{h.BaseOffset, h.NextOffset()}.clip(s.window)
		if !w.empty() {
			s.head = part{Batch: recordbatch.Batch{Header: h, Bytes: batch}, window: w, origins: s.origins}
			return true
		}
	}
	return false
}

// open reads the next block, if any of it is wanted.
func (s *source) open(ctx context.Context, a account) {
	n := s.block
	s.block++
	info := s.reader.Footer().Blocks[n]
	o := Offsets{info.Base, info.Next}.clip(s.window)
	if o.empty() {
		return
	}
	if a.skip(ctx, s, n) {
		a.vouch(o)
		return
	}
	body, place, errs := s.copies.block(ctx, n)
	if place >= 0 {
		if err := checkBatches(body); err != nil {
			errs, place = append(errs, s.copies.failed(place, err)), -1
		}
	}
	if place < 0 {
		a.fail(o, s, errs)
		return
	}
	a.note(s, errs)
	a.vouch(o)
	if s.rest = body; s.origins == nil || place != s.place {
		s.place = place
		s.origins = []Origin{s.origin()}
	}
}

// checkBatches compares the CRC of every batch before the first is yielded, so
// that a block counts as a whole or not at all.
func checkBatches(body []byte) error {
	for {
		_, _, rest, err := recordbatch.Next(body)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged("%v", err)
		}
		body = rest
	}
}

func (s *source) origin() Origin {
	o := Origin{Name: s.copies.cand.Range, Digest: s.reader.Digest(), Region: s.copies.cand.Places[s.place].Region}
	for _, p := range s.copies.cand.Places {
		o.Regions = append(o.Regions, p.Region)
	}
	return o
}
