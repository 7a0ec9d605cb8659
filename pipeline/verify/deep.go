package verify

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// open opens every block and filter of a copy and decodes every batch.
func (c *copySeen) open(ctx context.Context, o *cover.Object) {
	c.unopened = map[int]error{}
	d := recordbatch.NewDecoder(0)
	var body []byte
	for n := range o.Segment.Footer().Blocks {
		if ctx.Err() != nil {
			return
		}
		records, err := openBlock(o, n, d, &body)
		c.blocks++
		c.records += records
		if err != nil {
			c.unopened[n] = err
			c.err = errors.Join(c.err, err)
		}
	}
	if c.err != nil {
		c.err = &cover.CopyError{Region: o.Region, Object: o.Name.String(), Err: c.err}
	}
}

// openBlock opens block n and returns how many records it decoded.
func openBlock(o *cover.Object, n int, d *recordbatch.Decoder, body *[]byte) (int64, error) {
	b, err := o.Segment.Block(n, o.Secret, *body)
	if err != nil {
		return 0, err
	}
	*body = b
	records, err := decode(b, o.Segment.Footer().Blocks[n], d)
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
