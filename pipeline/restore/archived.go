package restore

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Check returns an error unless the plan is whole, by its digest, and of a
// version that this program executes. A plan that was read from a file needs it.
func (p *Plan) Check() error { return p.check() }

// Archived yields the same records as [Plan.Batches], from an offset on, in
// batches that keep their archived offsets: for whoever keeps records, not for a
// broker. A batch of which all comes back is as it was archived, with holes or
// with the broker's timestamps too; it may be marked as transactional, and its
// header may cover more offsets than First and Last. Any other was built anew,
// with the offsets that its records had.
func (p *Plan) Archived(ctx context.Context, src Source, topic string, partition int32, from int64) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		pp, err := p.partition(topic, partition)
		if err != nil {
			yield(Batch{}, err)
		}
		if pp == nil {
			return
		}
		c := p.cutter(pp, math.MaxInt)
		for piece, err := range pp.read(ctx, src, topic, from, c.filter.skips) {
			var b Batch
			if err == nil {
				b, err = c.archived(piece)
			}
			if err != nil {
				yield(Batch{}, fmt.Errorf("read topic %s partition %d: %w", topic, partition, err))
				return
			}
			if b.Count > 0 && !yield(b, nil) {
				return
			}
		}
	}
}

// archived returns what comes back of a piece; no record is a count of 0.
func (c *cutter) archived(p Piece) (Batch, error) {
	h, bytes, ok := p.Whole()
	if !ok || c.origin != "" || c.filter.ofPiece(p) != all {
		return c.keepOffsets(p)
	}
	b := Batch{Bytes: bytes, Whole: true, Count: h.Count, First: h.BaseOffset, Last: h.LastOffset()}
	if recordbatch.IsDense(h) {
		return b, nil
	}
	b.First = -1
	for key, err := range c.decoder.Keys(bytes) {
		if err != nil {
			return Batch{}, fmt.Errorf("decode batch: %w", err)
		}
		if b.First < 0 {
			b.First = key.Offset
		}
		b.Last = key.Offset
	}
	return b, nil
}

// keepOffsets builds a batch of the records that come back.
func (c *cutter) keepOffsets(p Piece) (Batch, error) {
	var b Batch
	from := p.Header()
	for rec, err := range c.records(p) {
		if err != nil {
			return Batch{}, err
		}
		if b.Count == 0 {
			b.First = rec.Offset
			c.builder.Reset(recordbatch.Options{
				BaseOffset: rec.Offset, LeaderEpoch: from.PartitionLeaderEpoch, Codec: from.Codec(), LogAppendTime: from.LogAppendTime(),
			})
		}
		b.Last = rec.Offset
		if err := c.builder.Append(rec); err != nil {
			return Batch{}, err
		}
		b.Count++
	}
	if b.Count == 0 {
		return Batch{}, nil
	}
	built, err := c.builder.Finish()
	b.Bytes = built
	return b, err
}
