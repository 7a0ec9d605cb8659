package recordbatch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func small(t testing.TB, opts Options) []byte {
	t.Helper()
	return build(t, opts, renumber([]Record{
		{Timestamp: 5, Key: []byte("k0"), Value: []byte("v0")},
		{Timestamp: 9, Key: []byte("k1"), Value: nil},
		{Timestamp: 7, Key: nil, Value: []byte("v2")},
	}, opts.BaseOffset))
}

// resum makes the CRC right again, so that a test meets the check behind it.
func resum(batch []byte) []byte {
	binary.BigEndian.PutUint32(batch[17:], checksum(batch))
	return batch
}

func TestParseHeaderRefusesLies(t *testing.T) {
	put32 := binary.BigEndian.PutUint32
	put64 := binary.BigEndian.PutUint64
	for _, c := range []struct {
		rule string
		lie  func(b []byte)
	}{
		{"length 48", func(b []byte) { put32(b[8:], 48) }},
		{"length -1", func(b []byte) { put32(b[8:], math.MaxUint32) }},
		{"length 2147483647", func(b []byte) { put32(b[8:], math.MaxInt32) }},
		{"magic 3", func(b []byte) { b[16] = 3 }},
		{"magic -1", func(b []byte) { b[16] = 0xff }},
		{"base offset is negative", func(b []byte) { put64(b, math.MaxUint64) }},
		{"offsets overflow", func(b []byte) { put64(b, math.MaxInt64-2) }},
		{"last offset delta -2147483648", func(b []byte) { put32(b[23:], 1<<31) }},
		{"last offset delta -1 is negative", func(b []byte) { put32(b[23:], math.MaxUint32); put32(b[57:], 0) }},
		{"count -1", func(b []byte) { put32(b[57:], math.MaxUint32) }},
		{"count 4 is above", func(b []byte) { put32(b[57:], 4) }},
		{"count 100 does not fit", func(b []byte) { put32(b[23:], 99); put32(b[57:], 100) }},
		{"codec 5", func(b []byte) { b[22] = 5 }},
		{"codec 7", func(b []byte) { b[22] = 7 }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			batch := small(t, Options{BaseOffset: 10})
			c.lie(batch)
			h, err := ParseHeader(batch)
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.rule) || h != (Header{}) {
				t.Errorf("header %+v, error %v", h, err)
			}
			for _, err := range NewDecoder(0).Records(resum(batch)) {
				if err == nil {
					t.Error("a record came out")
				}
			}
		})
	}
}

func TestOldMessageFormats(t *testing.T) {
	for _, magic := range []byte{0, 1} {
		old := make([]byte, 26) // the smallest message set, shorter than a batch header
		binary.BigEndian.PutUint64(old, 42)
		binary.BigEndian.PutUint32(old[8:], 14)
		old[16] = magic
		_, batch, _, err := Next(old)
		var format *OldMessageFormatError
		if !errors.Is(err, ErrMessageFormat) || !errors.As(err, &format) || batch != nil {
			t.Fatalf("magic %d: batch %v, error %v", magic, batch, err)
		}
		if format.Offset != 42 || format.Magic != int8(magic) || errors.Is(err, ErrCorrupt) {
			t.Errorf("magic %d: %+v", magic, format)
		}
	}
}

func TestNextWalksBatches(t *testing.T) {
	first, second := small(t, Options{}), small(t, Options{BaseOffset: 3, Codec: CodecZstd})
	row := slices.Concat(first, second)
	h, batch, rest, err := Next(row)
	if err != nil || !bytes.Equal(batch, first) || !bytes.Equal(rest, second) || cap(batch) != len(batch) {
		t.Fatalf("first: %v, %d bytes, %d left", err, len(batch), len(rest))
	}
	if h.Size() != len(first) || h.LastOffset() != 2 || h.NextOffset() != 3 || !IsDense(h) || h.MaxTimestamp != 9 {
		t.Errorf("first: %+v", h)
	}
	h, _, rest, err = Next(rest)
	if err != nil || h.BaseOffset != 3 || h.Codec() != CodecZstd || len(rest) != 0 {
		t.Fatalf("second: %+v, %v", h, err)
	}
	if _, _, _, err = Next(rest); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v", err)
	}
}

func TestNextTellsAPartialBatch(t *testing.T) {
	batch := small(t, Options{})
	for n := 1; n < len(batch); n++ {
		h, part, rest, err := Next(batch[:n])
		if !errors.Is(err, ErrPartial) || !errors.Is(err, io.ErrUnexpectedEOF) || part != nil || len(rest) != n {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if n >= HeaderSize && h.Size() != len(batch) {
			t.Fatalf("%d bytes: needs %d, says %d", n, len(batch), h.Size())
		}
	}
}

func TestNextFindsEveryFlippedBit(t *testing.T) {
	batch := small(t, Options{})
	for bit := crcStart * 8; bit < len(batch)*8; bit++ {
		batch[bit/8] ^= 1 << (bit % 8)
		if _, got, _, err := Next(batch); !errors.Is(err, ErrCorrupt) || got != nil {
			t.Fatalf("bit %d of byte %d: %v", bit%8, bit/8, err)
		}
		batch[bit/8] ^= 1 << (bit % 8)
	}
	batch[17] ^= 1
	var crc *CRCError
	if _, _, _, err := Next(batch); !errors.As(err, &crc) || crc.Got == crc.Want {
		t.Errorf("flipped CRC: %v", err)
	}
}

func TestAllEndsAtTheFirstError(t *testing.T) {
	row := slices.Concat(small(t, Options{}), small(t, Options{BaseOffset: 3})[:70])
	var batches int
	var last error
	for batch, err := range All(row) {
		if last = err; err == nil && len(batch.Bytes) == batch.Size() {
			batches++
		}
	}
	if batches != 1 || !errors.Is(last, ErrPartial) {
		t.Errorf("%d batches, then %v", batches, last)
	}
}
