package cover

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Piece is what the reader yields: one batch as it was archived, one of which
// only some offsets count, or several copies of the same offsets that have to
// be merged. It stays valid for as long as it is wanted; its bytes are shared
// and must not be changed.
type Piece struct {
	parts  []part
	report func(Finding)
}

// part is a batch of one copy, and the offsets of it that count.
type part struct {
	recordbatch.Batch
	window  Offsets
	origins []Origin
}

// Origin says where a piece was read.
type Origin struct {
	Name   names.Range
	Digest names.Digest
	// Region is the one that served it.
	Region string
	// Regions are all that list the object.
	Regions []string
}

// Base returns the lowest offset of the piece that counts.
func (p Piece) Base() int64 {
	base := p.parts[0].window.Base
	for _, x := range p.parts {
		base = min(base, x.window.Base)
	}
	return base
}

// Next returns the offset after the highest that counts.
func (p Piece) Next() int64 {
	var next int64
	for _, x := range p.parts {
		next = max(next, x.window.Next)
	}
	return next
}

// IsControl reports whether the piece holds markers for consumers and no data.
func (p Piece) IsControl() bool {
	return !slices.ContainsFunc(p.parts, func(x part) bool { return !x.IsControl() })
}

// Header returns the header of the batch that the piece comes from, of the copy
// that counts most if there are several. Copies of one batch differ in which
// records compaction left; their producer is the same.
func (p Piece) Header() recordbatch.Header { return p.parts[0].Header }

// MaxTimestamp returns the highest timestamp of a record in ms, as the batch
// headers tell: a record that does not count may have it.
func (p Piece) MaxTimestamp() int64 {
	highest := p.parts[0].Header.MaxTimestamp
	for _, x := range p.parts {
		highest = max(highest, x.Header.MaxTimestamp)
	}
	return highest
}

// Origins returns the objects that the piece comes from.
func (p Piece) Origins() []Origin {
	var out []Origin
	for _, x := range p.parts {
		out = append(out, x.origins...)
	}
	return out
}

// Whole returns the batch exactly as it was archived, if all of it counts and
// nothing has to be merged into it.
func (p Piece) Whole() (recordbatch.Header, []byte, bool) {
	x := p.parts[0]
	if len(p.parts) > 1 || x.window.Base > x.BaseOffset || x.window.Next < x.NextOffset() {
		return recordbatch.Header{}, nil, false
	}
	return x.Header, x.Bytes, true
}

// Records yields the records that count, in offset order, each offset once. A
// record is valid until the next one. An error ends it; it is the decoder's.
func (p Piece) Records(d *recordbatch.Decoder) iter.Seq2[recordbatch.Record, error] {
	if len(p.parts) == 1 {
		return p.parts[0].records(d)
	}
	return p.merged(d)
}

// Mentions reports whether some record of the piece may have a key that is
// wanted. It looks at the keys alone, in a fraction of the time of Records, and
// says yes where they cannot be read: Records says why. What a null key is given
// as is nil.
func (p Piece) Mentions(d *recordbatch.Decoder, wanted func(key []byte) bool) bool {
	for _, x := range p.parts {
		for k, err := range d.Keys(x.Bytes) {
			if err != nil || wanted(k.Key) {
				return true
			}
		}
	}
	return false
}

func (x part) records(d *recordbatch.Decoder) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		for rec, err := range d.Records(x.Bytes) {
			if err == nil && (rec.Offset < x.window.Base || rec.Offset >= x.window.Next) {
				continue
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// merged collects the records of all parts. Overlapping batches of different
// content are rare and few, so they may be in memory together.
func (p Piece) merged(d *recordbatch.Decoder) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		var all []recordbatch.Record
		for _, x := range p.parts {
			for rec, err := range x.records(d) {
				if err != nil {
					yield(recordbatch.Record{}, err)
					return
				}
				all = append(all, CloneRecord(rec))
			}
		}
		slices.SortStableFunc(all, func(a, b recordbatch.Record) int { return cmp.Compare(a.Offset, b.Offset) })
		for i, rec := range all {
			if i > 0 && rec.Offset == all[i-1].Offset {
				p.compare(all[i-1], rec)
				all[i] = all[i-1]
				continue
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// compare reports a record that two copies hold differently.
func (p Piece) compare(a, b recordbatch.Record) {
	if sameRecord(a, b) || p.report == nil {
		return
	}
	o := Offsets{a.Offset, a.Offset + 1}
	origin := p.parts[0].origins[0]
	p.report(Finding{
		Kind: KindConflict, Object: origin.Name.String(), Partition: origin.Name.Partition.String(), Offsets: &o,
		Detail: "another signed copy holds a different record here; the one of the higher leader epoch is used",
		Advice: KindConflict.Advice(),
	})
}

func sameRecord(a, b recordbatch.Record) bool {
	return a.Timestamp == b.Timestamp && sameBytes(a.Key, b.Key) && sameBytes(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y recordbatch.RecordHeader) bool {
			return bytes.Equal(x.Key, y.Key) && sameBytes(x.Value, y.Value)
		})
}

// sameBytes tells null and empty apart.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// CloneRecord copies a record, so that it outlives the decoder's next one.
func CloneRecord(r recordbatch.Record) recordbatch.Record {
	r.Key, r.Value, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
	for i, h := range r.Headers {
		r.Headers[i] = recordbatch.RecordHeader{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	return r
}

// attributesAt is where the CRC of a batch begins to cover its bytes. What is
// in front may differ between two fetches of one batch: the leader epoch.
const attributesAt = 21

// sameBatch reports whether two copies of a batch are the same batch.
func sameBatch(a, b part) bool {
	return a.BaseOffset == b.BaseOffset && bytes.Equal(a.Bytes[attributesAt:], b.Bytes[attributesAt:])
}

// newPiece joins what overlaps: identical batches become one, and the copy of
// the highest leader epoch comes first.
func newPiece(parts []part, report func(Finding)) Piece {
	if len(parts) == 1 {
		return Piece{parts: parts, report: report}
	}
	var kept []part
	for _, x := range parts {
		i := slices.IndexFunc(kept, func(k part) bool {
			return sameBatch(k, x) && x.window.Base <= k.window.Next && k.window.Base <= x.window.Next
		})
		if i < 0 {
			x.origins = slices.Clip(x.origins) // shared with other pieces
			kept = append(kept, x)
			continue
		}
		k := &kept[i]
		k.window = Offsets{min(k.window.Base, x.window.Base), max(k.window.Next, x.window.Next)}
		k.origins = append(k.origins, x.origins...)
	}
	slices.SortStableFunc(kept, func(a, b part) int { return cmp.Compare(b.PartitionLeaderEpoch, a.PartitionLeaderEpoch) })
	return Piece{parts: kept, report: report}
}
