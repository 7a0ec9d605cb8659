package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// deep reads every byte of a copy, within the bound on memory.
func (v *verifier) deep(ctx context.Context, s *seen, out *copySeen, o *cover.Object) {
	size := min(o.Info.Size, deepLimit)
	if out.err = v.memory.Acquire(ctx, size); out.err != nil {
		return
	}
	defer v.memory.Release(size)
	t := v.getTools()
	defer v.tools.Put(t)
	whole, err := t.fetch(ctx, v.archive, o)
	if out.err = err; err != nil {
		return
	}
	out.open(ctx, whole, s.twin(o), t)
}

// tools are what one goroutine needs to read a copy: they are large, and used
// again.
type tools struct {
	decoder    *recordbatch.Decoder
	data, body []byte
}

func (v *verifier) getTools() *tools {
	if t, ok := v.tools.Get().(*tools); ok {
		return t
	}
	return &tools{decoder: recordbatch.NewDecoder(0)}
}

// fetch reads an object by one request; one that is too long for that stays
// where it is. What it returns is valid until the next fetch.
func (t *tools) fetch(ctx context.Context, a *cover.Archive, o *cover.Object) (*cover.Object, error) {
	if o.Info.Size > deepLimit {
		return o, nil
	}
	from, err := a.Objects(o.Region)
	if err != nil {
		return nil, err
	}
	t.data = slices.Grow(t.data[:0], int(o.Info.Size))[:o.Info.Size]
	n, err := from.ReadAt(ctx, o.Name.String(), t.data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &cover.CopyError{Region: o.Region, Object: o.Name.String(), Err: err}
	}
	return a.Within(ctx, o, bytes.NewReader(t.data[:n]), int64(n))
}

// twin returns another region's copy of the very same segment, with the same
// secret in its key page; nil if there is none yet.
func (s *seen) twin(o *cover.Object) *copySeen {
	if s.sound == nil || s.sound.Digest != o.Digest || s.sound.Secret != o.Secret {
		return nil
	}
	i := slices.IndexFunc(s.copies, func(c copySeen) bool { return c.region == s.sound.Region })
	if i < 0 {
		return nil
	}
	return &s.copies[i]
}

// open opens every block and filter of a copy and decodes every batch. Of a
// block that opened in its twin only the SHA-256 is compared: the footer is the
// same, so the bytes are, and so is what they open to.
func (c *copySeen) open(ctx context.Context, o *cover.Object, twin *copySeen, t *tools) {
	c.opened, c.unopened = map[int]int64{}, map[int]error{}
	for n := range o.Segment.Footer().Blocks {
		if ctx.Err() != nil {
			return
		}
		records, proven := twin.recordsOf(n)
		var err error
		if proven {
			err = o.Segment.Check(n)
		} else {
			records, err = openBlock(o, n, t)
		}
		c.blocks++
		if err != nil {
			c.unopened[n] = err
			c.err = errors.Join(c.err, err)
			continue
		}
		c.opened[n] = records
		c.records += records
	}
	if c.err != nil {
		c.err = &cover.CopyError{Region: o.Region, Object: o.Name.String(), Err: c.err}
	}
}

// recordsOf returns how many records a block holds that opened. A nil
// copy opened none.
func (c *copySeen) recordsOf(n int) (records int64, opened bool) {
	if c == nil {
		return 0, false
	}
	records, opened = c.opened[n]
	return records, opened
}

// openBlock opens block n and returns how many records it decoded.
func openBlock(o *cover.Object, n int, t *tools) (int64, error) {
	b, err := o.Segment.Block(n, o.Secret, t.body)
	if err != nil {
		return 0, err
	}
	t.body = b
	records, err := decode(b, o.Segment.Footer().Blocks[n], t.decoder)
	if err != nil {
		return records, fmt.Errorf("block %d: %w", n, err)
	}
	_, err = o.Segment.Filter(n, o.Secret)
	return records, err
}

// decode walks over the batches of a block: CRC, offsets, and every record.
func decode(body []byte, info segment.BlockInfo, d *recordbatch.Decoder) (records int64, err error) {
	for {
		h, batch, rest, err := recordbatch.Next(body)
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, fmt.Errorf("%w: %w", err, segment.ErrDamaged)
		}
		if h.NextOffset() > info.Next || h.NextOffset() <= info.Base {
			return records, fmt.Errorf("batch [%d, %d) is outside: %w", h.BaseOffset, h.NextOffset(), segment.ErrDamaged)
		}
		for _, err := range d.Records(batch) {
			if err != nil {
				return records, fmt.Errorf("batch at offset %d: %w: %w", h.BaseOffset, err, segment.ErrDamaged)
			}
			records++
		}
		body = rest
	}
}
