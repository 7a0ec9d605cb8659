package restore

import (
	"bytes"
	"fmt"
	"math"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// cutter turns pieces of one partition into batches that hold the records that
// come back. The same pieces always become the same batches. One goroutine owns
// it.
type cutter struct {
	filter filter
	limit  int // bytes of a batch
	split  bool
	// origin is the name of the header that tells where a record was archived,
	// empty for none.
	origin    string
	partition int32

	decoder *recordbatch.Decoder
	builder recordbatch.Builder
	headers []recordbatch.RecordHeader // of the record at hand
}

// cutter makes one for a partition of the plan.
func (p *Plan) cutter(pp *PartitionPlan, limit int) cutter {
	return cutter{
		filter: p.filter(pp), limit: limit, split: p.Request.Split,
		origin: p.Request.OriginHeader, partition: pp.Number, decoder: recordbatch.NewDecoder(0),
	}
}

// filter returns the cut of a partition. A cut by offsets is in its stretches.
func (p *Plan) filter(pp *PartitionPlan) filter {
	if p.Request.cut() == CutOffsets {
		return filter{to: math.MaxInt64}
	}
	return filter{to: p.To, transactions: pp.Transactions}
}

// cut is a batch for the target that lacks only its producer.
type cut struct {
	bytes []byte
	// shared is true while bytes belong to the archive's reader.
	shared      bool
	count       int32
	first, last int64 // archived offsets
}

// BatchTooLargeError reports a batch that the target does not take. It was not
// produced.
type BatchTooLargeError struct {
	// Offset is the archived offset of the first record.
	Offset int64
	// Size and Limit are bytes; Limit is the target's max.message.bytes.
	Size, Limit int
	// Records is how many records the batch holds; one that holds a single
	// record cannot be split.
	Records int32
}

func (e *BatchTooLargeError) Error() string {
	hint := "raise the target's max.message.bytes, or allow splitting"
	if e.Records == 1 {
		hint = "raise the target's max.message.bytes"
	}
	return fmt.Sprintf("batch at offset %d has %d bytes, the target takes %d: %s", e.Offset, e.Size, e.Limit, hint)
}

// cut returns the piece's batches, none if no record of it is restored.
func (c *cutter) cut(p Piece) ([]cut, error) {
	share := c.filter.ofPiece(p)
	if share == none {
		return nil, nil
	}
	h, whole, ok := p.Whole()
	if ok && share == all && c.origin == "" && producible(h) {
		return c.fit(cut{bytes: whole, shared: true, count: h.Count, first: h.BaseOffset, last: h.LastOffset()})
	}
	codec := recordbatch.CodecZstd
	if ok {
		codec = h.Codec()
	}
	one, err := c.rebuild(p, share, codec)
	if err != nil || one.count == 0 {
		return nil, err
	}
	return c.fit(one)
}

// producible tells whether brokers take the batch as it is and its records keep
// their meaning; see recordbatch.SetProducer.
func producible(h recordbatch.Header) bool {
	return h.Count > 0 && recordbatch.IsDense(h) && !h.LogAppendTime() && !h.HasDeleteHorizon()
}

// rebuild makes a batch of the records that come back, with dense offsets.
// Records of a LogAppendTime batch all have its highest timestamp, and keep it
// as their create time.
func (c *cutter) rebuild(p Piece, s share, codec recordbatch.Codec) (cut, error) {
	var out cut
	c.builder.Reset(recordbatch.Options{LeaderEpoch: -1, Codec: codec})
	for rec, err := range p.Records(c.decoder) {
		if err != nil {
			return cut{}, fmt.Errorf("decode batch: %w", err)
		}
		if !c.filter.takes(s, rec.Timestamp) {
			continue
		}
		c.mark(&rec)
		if out.count == 0 {
			out.first = rec.Offset
		}
		out.last = rec.Offset
		rec.Offset = int64(out.count)
		if err := c.builder.Append(rec); err != nil {
			return cut{}, err
		}
		out.count++
	}
	if out.count == 0 {
		return cut{}, nil
	}
	return c.finish(out)
}

// mark adds the header that tells where a record was archived, if one is
// wanted.
func (c *cutter) mark(rec *recordbatch.Record) {
	if c.origin != "" {
		c.headers = withOrigin(c.headers, *rec, c.origin, c.partition)
		rec.Headers = c.headers
	}
}

func (c *cutter) finish(out cut) (cut, error) {
	built, err := c.builder.Finish()
	if err != nil {
		return cut{}, err
	}
	out.bytes, out.shared = bytes.Clone(built), false
	return out, nil
}

// fit halves a batch until its parts are within the target's limit, if that is
// allowed.
func (c *cutter) fit(whole cut) ([]cut, error) {
	if len(whole.bytes) <= c.limit {
		return []cut{whole}, nil
	}
	if !c.split || whole.count == 1 {
		return nil, &BatchTooLargeError{Offset: whole.first, Size: len(whole.bytes), Limit: c.limit, Records: whole.count}
	}
	var fitting []cut
	half := whole.count / 2
	for _, part := range [][2]int32{{0, half}, {half, whole.count}} {
		built, err := c.part(whole, part[0], part[1])
		if err != nil {
			return nil, err
		}
		parts, err := c.fit(built)
		if err != nil {
			return nil, err
		}
		fitting = append(fitting, parts...)
	}
	return fitting, nil
}

// part builds a batch of the records [from, to) of another, counted from 0.
func (c *cutter) part(whole cut, from, to int32) (cut, error) {
	h, err := recordbatch.ParseHeader(whole.bytes)
	if err != nil {
		return cut{}, err
	}
	// A batch that was cut has offsets from 0 on; one that is verbatim has the
	// archived ones.
	out := cut{count: to - from, first: whole.first + int64(from), last: whole.last - int64(whole.count-to)}
	c.builder.Reset(recordbatch.Options{LeaderEpoch: -1, Codec: h.Codec()})
	var i int32
	for rec, err := range c.decoder.Records(whole.bytes) {
		if err != nil {
			return cut{}, fmt.Errorf("decode batch: %w", err)
		}
		if i >= from && i < to {
			rec.Offset = int64(i - from)
			if err := c.builder.Append(rec); err != nil {
				return cut{}, err
			}
		}
		i++
	}
	return c.finish(out)
}
