// Package find looks for every version of one record key in an archive,
// without a restore.
//
// Each block of a segment may carry a filter over the keys of its records. A
// filter that says no is always right, one that says maybe is wrong once in a
// few hundred times: only the blocks that say maybe are fetched and opened.
// Everything goes through the cover rule of package cover, so each offset is
// found once, from any copy that is signed and opens.
package find

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Options narrow the search.
type Options struct {
	// Partitions are the numbers to look in; none means all.
	Partitions []int32
	// From and To bound record timestamps, [From, To]; zero means no bound.
	From, To time.Time
	// Report is told of damage and gaps on the way. It may be nil.
	Report func(cover.Finding)
	// Stats counts blocks, if it is not nil.
	Stats *cover.ReadStats
}

// Hit is one record with the key.
type Hit struct {
	Partition names.Partition
	// Record is a copy that stays valid.
	Record recordbatch.Record
	// Origins are the objects it was read from, each with its digest and the
	// regions that hold it.
	Origins []cover.Origin
}

// Find yields the records of a topic that have a key, partition by partition,
// in offset order. The key must not be nil: there is no filter over null keys.
//
// Offsets that cannot be read come as *cover.LostError in their place, and the
// search goes on if the loop does. Any other error ends it.
func Find(ctx context.Context, a *cover.Archive, topic string, key []byte, o Options) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		if key == nil {
			yield(Hit{}, errors.New("find: a null key cannot be looked for"))
			return
		}
		parts, err := a.Partitions(ctx, topic)
		if err != nil {
			yield(Hit{}, err)
			return
		}
		s := &search{archive: a, key: key, options: o, decoder: recordbatch.NewDecoder(0)}
		for _, p := range parts {
			if len(o.Partitions) > 0 && !slices.Contains(o.Partitions, p.Number) {
				continue
			}
			if !s.partition(ctx, p, yield) {
				return
			}
		}
	}
}

type search struct {
	archive *cover.Archive
	key     []byte
	options Options
	decoder *recordbatch.Decoder
}

// partition reports whether to go on.
func (s *search) partition(ctx context.Context, p names.Partition, yield func(Hit, error) bool) bool {
	read := cover.ReadOptions{Key: s.key, SkipBlock: s.outside, Report: s.options.Report, Stats: s.options.Stats}
	for piece, err := range s.archive.Read(ctx, p, read) {
		if lost := (*cover.LostError)(nil); errors.As(err, &lost) {
			if !yield(Hit{}, err) {
				return false
			}
			continue
		}
		if err != nil {
			yield(Hit{}, err)
			return false
		}
		if !piece.IsControl() && !s.piece(p, piece, yield) {
			return false
		}
	}
	return true
}

func (s *search) piece(p names.Partition, piece cover.Piece, yield func(Hit, error) bool) bool {
	for rec, err := range piece.Records(s.decoder) {
		if err != nil {
			return yield(Hit{}, err)
		}
		if rec.Key == nil || !bytes.Equal(rec.Key, s.key) || !s.within(rec.Timestamp) {
			continue
		}
		if !yield(Hit{Partition: p, Record: cover.CloneRecord(rec), Origins: piece.Origins()}, nil) {
			return false
		}
	}
	return true
}

// outside leaves out a block that has no record within the time bounds.
func (s *search) outside(b segment.BlockInfo) bool {
	if b.Records == 0 {
		return true
	}
	if !s.options.From.IsZero() && b.MaxTimestamp < s.options.From.UnixMilli() {
		return true
	}
	// A lowest timestamp that is not known is below every bound.
	return !s.options.To.IsZero() && b.MinTimestamp > s.options.To.UnixMilli()
}

// within applies the bounds in whole milliseconds.
func (s *search) within(timestamp int64) bool {
	if !s.options.From.IsZero() && timestamp < s.options.From.UnixMilli() {
		return false
	}
	return s.options.To.IsZero() || timestamp <= s.options.To.UnixMilli()
}
