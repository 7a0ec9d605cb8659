package recordbatch

import (
	"bytes"
	"errors"
	"iter"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Decoder gives the records of batches, one batch at a time. Its buffers are
// used again for the next batch, so what it yields is valid until its next
// call: clone what must live longer. It is not safe for concurrent use, holds
// no goroutine and needs no closing.
type Decoder struct {
	max   int
	buf   []byte         // the decompressed records
	table []RecordHeader // of the record just read

	src  bytes.Reader // what gzip and lz4 read from
	gzip *gzip.Reader
	lz4  *lz4.Reader
	zstd *zstd.Decoder
}

// NewDecoder makes a decoder that decompresses at most maxDecoded bytes of a
// batch, [DefaultMaxDecoded] if that is not above 0. The same bound holds for
// the headers of one record, as they are in memory.
func NewDecoder(maxDecoded int) *Decoder {
	if maxDecoded <= 0 {
		maxDecoded = DefaultMaxDecoded
	}
	return &Decoder{max: maxDecoded}
}

// Records yields the records of one batch as [Next] returns it, control records
// among them. The whole batch is checked before the first record: either all
// come, without an error, or a single error. That is a [FormatError], or a
// [TooLargeError] above the decoder's limit. The CRC was Next's to check and is
// not looked at again.
func (d *Decoder) Records(batch []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		w, err := d.open(batch)
		if err == nil {
			err = d.check(w)
		}
		if err != nil {
			yield(Record{}, err)
			return
		}
		var rec Record
		for w.left > 0 {
			if err := d.record(&w, &rec); !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Keys yields offset and key of each record of a batch, and skips over the
// rest: the filter of a block needs no more. It checks only what it reads, as
// it goes: at an error the keys that came before it are to be thrown away.
func (d *Decoder) Keys(batch []byte) iter.Seq2[RecordKey, error] {
	return func(yield func(RecordKey, error) bool) {
		w, err := d.open(batch)
		for err == nil && w.left > 0 {
			var key RecordKey
			if key, err = w.key(); err == nil && !yield(key, nil) {
				return
			}
		}
		if err == nil {
			err = w.end()
		}
		if err != nil {
			yield(RecordKey{}, err)
		}
	}
}

// Pairs yields offset, key and value of each record of a batch, and skips over
// its headers. It checks what Keys does.
func (d *Decoder) Pairs(batch []byte) iter.Seq2[RecordPair, error] {
	return func(yield func(RecordPair, error) bool) {
		w, err := d.open(batch)
		for err == nil && w.left > 0 {
			var pair RecordPair
			if pair, err = w.pair(); err == nil && !yield(pair, nil) {
				return
			}
		}
		if err == nil {
			err = w.end()
		}
		if err != nil {
			yield(RecordPair{}, err)
		}
	}
}

// open validates the header and decompresses.
func (d *Decoder) open(batch []byte) (walk, error) {
	h, err := whole(batch)
	if err != nil {
		return walk{}, err
	}
	d.release()
	body := batch[HeaderSize:]
	if h.Codec() != CodecNone && len(body) > 0 {
		if body, err = d.decompress(h.Codec(), body); err != nil {
			return walk{}, d.codecError(h, err)
		}
	}
	return walk{h: h, r: reader{b: body}, left: h.Count, last: -1}, nil
}

func (d *Decoder) codecError(h Header, err error) error {
	if errors.Is(err, errTooLarge) {
		return &TooLargeError{Offset: h.BaseOffset, Limit: d.max}
	}
	return batchError(h.BaseOffset, "decompress %v: %v", h.Codec(), err)
}

// check reads every record once. It takes the walk by value: the caller's
// stands at the start still.
func (d *Decoder) check(w walk) error {
	var rec Record
	for w.left > 0 {
		if err := d.record(&w, &rec); err != nil {
			return err
		}
	}
	return w.end()
}

func (d *Decoder) record(w *walk, rec *Record) error {
	r := w.r.record()
	table := headerTable{rows: d.table[:0], max: d.max / recordHeaderCost}
	delta := readRecord(&r, &w.h, rec, &table)
	d.table = table.rows
	if r.rule == ruleTooLarge {
		return &TooLargeError{Offset: w.h.BaseOffset, Limit: d.max}
	}
	var err error
	rec.Offset, err = w.step(&r, delta)
	return err
}

// release lets go of what an unusually large batch left behind.
func (d *Decoder) release() {
	if cap(d.buf) > retainDecoded {
		d.buf = nil
	}
	if cap(d.table) > retainDecoded/recordHeaderCost {
		d.table = nil
	}
}
