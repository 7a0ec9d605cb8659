package recordbatch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Producer is who wrote an idempotent or transactional batch.
type Producer struct {
	ID       int64
	Epoch    int16
	Sequence int32 // of the first record; markers have -1
}

// Options says what a [Builder] writes into the header of a batch.
type Options struct {
	BaseOffset    int64 // at or below the first record's offset
	LeaderEpoch   int32 // -1 in a produce request
	Codec         Codec
	Producer      *Producer // nil: not idempotent
	Transactional bool
	Control       bool
	LogAppendTime bool // every record then reads back with the highest timestamp of all
}

// Builder makes batches, one after the other, in buffers of its own. The zero
// value waits for Reset. It is not safe for concurrent use.
type Builder struct {
	h   Header
	end int32 // last offset delta set by EndAt, -1: none
	err error // the first one since Reset

	body   []byte // records, not compressed
	record []byte // the record at hand, before its length is known
	out    []byte
	comp   compressor
}

// Reset begins a batch and ends the use of the bytes that the last Finish returned.
func (b *Builder) Reset(opts Options) {
	b.body, b.end, b.err = b.body[:0], -1, nil
	b.h = Header{
		BaseOffset:           opts.BaseOffset,
		PartitionLeaderEpoch: opts.LeaderEpoch,
		Magic:                2,
		Attributes:           opts.attributes(),
		LastOffsetDelta:      -1,
		BaseTimestamp:        -1, // Kafka's "no timestamp", kept by a batch without records
		MaxTimestamp:         -1,
		ProducerID:           -1,
		ProducerEpoch:        -1,
		BaseSequence:         -1,
	}
	if p := opts.Producer; p != nil {
		b.h.ProducerID, b.h.ProducerEpoch, b.h.BaseSequence = p.ID, p.Epoch, p.Sequence
	}
	if !opts.Codec.known() {
		b.err = fmt.Errorf("build batch: %v is not known", opts.Codec)
	}
}

func (o Options) attributes() int16 {
	a := int16(o.Codec) & codecMask
	if o.LogAppendTime {
		a |= logAppendTimeBit
	}
	if o.Transactional {
		a |= transactionalBit
	}
	if o.Control {
		a |= controlBit
	}
	return a
}

// Append adds a record behind the others; its offset must be above theirs, and
// holes are fine. The record's bytes are copied. The first error stays: later
// calls and Finish return it too.
func (b *Builder) Append(rec Record) error {
	if b.err == nil {
		b.err = b.append(rec)
	}
	return b.err
}

func (b *Builder) append(rec Record) error {
	delta, err := b.delta(rec.Offset)
	if err != nil {
		return err
	}
	if delta <= b.h.LastOffsetDelta {
		return fmt.Errorf("append record at offset %d: an earlier record has offset %d", rec.Offset, b.h.LastOffset())
	}
	if b.h.Count == 0 {
		b.h.BaseTimestamp, b.h.MaxTimestamp = rec.Timestamp, rec.Timestamp
	}
	b.record = appendRecord(b.record[:0], rec, rec.Timestamp-b.h.BaseTimestamp, delta)
	if len(b.record) > maxLength-HeaderSize-binary.MaxVarintLen32-len(b.body) {
		return fmt.Errorf("append record at offset %d: the batch would be above 2 GiB", rec.Offset)
	}
	b.body = binary.AppendVarint(b.body, int64(len(b.record)))
	b.body = append(b.body, b.record...)
	b.h.MaxTimestamp = max(b.h.MaxTimestamp, rec.Timestamp)
	b.h.LastOffsetDelta = delta
	b.h.Count++
	return nil
}

func (b *Builder) delta(offset int64) (int32, error) {
	base := b.h.BaseOffset
	if base < 0 || offset < base || offset-base > math.MaxInt32 || offset == math.MaxInt64 {
		return 0, fmt.Errorf("place offset %d in batch: not reachable from base offset %d", offset, base)
	}
	return int32(offset - base), nil
}

func appendRecord(b []byte, rec Record, timeDelta int64, offsetDelta int32) []byte {
	b = append(b, byte(rec.Attributes))
	b = binary.AppendVarint(b, timeDelta)
	b = binary.AppendVarint(b, int64(offsetDelta))
	b = appendBytes(b, rec.Key)
	b = appendBytes(b, rec.Value)
	b = binary.AppendVarint(b, int64(len(rec.Headers)))
	for _, h := range rec.Headers {
		b = binary.AppendVarint(b, int64(len(h.Key))) // never null: Kafka has no null header key
		b = append(b, h.Key...)
		b = appendBytes(b, h.Value)
	}
	return b
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	b = binary.AppendVarint(b, int64(len(v)))
	return append(b, v...)
}

// EndAt makes the batch cover offsets up to last even if its records end
// earlier, as after compaction. A batch with no record at all needs it.
func (b *Builder) EndAt(last int64) {
	if b.err == nil {
		b.end, b.err = b.delta(last)
	}
}

// Finish compresses and returns the batch. The bytes are valid until the next
// Reset.
func (b *Builder) Finish() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.h.LastOffsetDelta = max(b.h.LastOffsetDelta, b.end)
	if b.h.LastOffsetDelta < 0 {
		return nil, errors.New("finish batch: it has no records and no end")
	}
	if b.h.Count == 0 {
		b.h.Attributes &^= codecMask // there is nothing to compress, and Kafka's own empty batches have no codec
	}
	var err error
	b.out = append(b.out[:0], make([]byte, HeaderSize)...)
	if b.out, err = b.comp.compress(b.out, b.h.Codec(), b.body); err != nil {
		return nil, fmt.Errorf("compress batch at offset %d: %w", b.h.BaseOffset, err)
	}
	if len(b.out) > math.MaxInt32 {
		return nil, fmt.Errorf("finish batch at offset %d: it is above 2 GiB", b.h.BaseOffset)
	}
	if err = b.seal(); err != nil {
		return nil, err
	}
	return b.out, nil
}

// seal puts the header in front and holds the batch to the rules of readers.
func (b *Builder) seal() error {
	b.h.Length = int32(len(b.out) - sizePrefix)
	b.h.put(b.out)
	b.h.CRC = checksum(b.out)
	b.h.put(b.out)
	return b.h.validate()
}
