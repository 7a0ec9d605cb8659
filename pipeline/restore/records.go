package restore

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Batch is a batch as the plan brings it back.
type Batch struct {
	// Bytes are read only, and valid until the next batch.
	Bytes []byte
	// Whole is true for a batch that is as it was archived, with its offsets.
	// Any other was built anew, with offsets from 0 on.
	Whole bool
	// Count is how many records it holds, never 0.
	Count int32
	// First and Last are the archived offsets of its first and its last record.
	First, Last int64
}

// Batches yields what the plan brings back of one partition of an archived
// topic, in offset order. They are the batches that [Execute] would produce, but
// for the target's limit on their size. Nothing comes of a partition that the
// plan does not hold; a topic that it does not hold is an error.
//
// It does not ask whether the plan is refused: [Plan.Refused] does.
func (p *Plan) Batches(ctx context.Context, src Source, topic string, partition int32) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		pp, err := p.partition(topic, partition)
		if err != nil {
			yield(Batch{}, err)
		}
		if pp == nil {
			return
		}
		c := p.cutter(pp, math.MaxInt)
		for piece, err := range pp.read(ctx, src, topic, 0, c.filter.skips) {
			var cuts []cut
			if err == nil {
				cuts, err = c.cut(piece)
			}
			if err != nil {
				yield(Batch{}, fmt.Errorf("read topic %s partition %d: %w", topic, partition, err))
				return
			}
			for _, one := range cuts {
				if !yield(Batch{Bytes: one.bytes, Whole: one.shared, Count: one.count, First: one.first, Last: one.last}, nil) {
					return
				}
			}
		}
	}
}

// Records yields what the plan brings back of one partition of an archived
// topic, record by record, with their archived offsets. A record is valid until
// the next one. It is [Plan.Batches] in all else.
func (p *Plan) Records(ctx context.Context, src Source, topic string, partition int32) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		pp, err := p.partition(topic, partition)
		if err != nil {
			yield(recordbatch.Record{}, err)
		}
		if pp == nil {
			return
		}
		c := p.cutter(pp, math.MaxInt)
		for piece, err := range pp.read(ctx, src, topic, 0, c.filter.skips) {
			if err != nil {
				yield(recordbatch.Record{}, fmt.Errorf("read topic %s partition %d: %w", topic, partition, err))
				return
			}
			for rec, err := range c.records(piece) {
				if !yield(rec, err) || err != nil {
					return
				}
			}
		}
	}
}

// records yields the records of a piece that come back.
func (c *cutter) records(p Piece) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		share := c.filter.ofPiece(p)
		if share == none {
			return
		}
		for rec, err := range p.Records(c.decoder) {
			if err != nil {
				yield(rec, fmt.Errorf("decode batch: %w", err))
				return
			}
			if !c.filter.takes(share, rec.Timestamp) {
				continue
			}
			c.mark(&rec)
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// partition returns nil for one of which nothing comes back.
func (p *Plan) partition(topic string, number int32) (*PartitionPlan, error) {
	for i := range p.Topics {
		t := &p.Topics[i]
		if t.From != topic {
			continue
		}
		for j := range t.Partitions {
			if t.Partitions[j].Number == number {
				return &t.Partitions[j], nil
			}
		}
		return nil, nil
	}
	return nil, fmt.Errorf("the plan does not bring back topic %s", topic)
}
