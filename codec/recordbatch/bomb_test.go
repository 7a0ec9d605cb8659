package recordbatch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

const bombLimit = 1 << 20

// A batch of few bytes that decompresses to many must end at the limit, in
// error and in memory.
func TestDecompressionBomb(t *testing.T) {
	zeros := []Record{{Value: make([]byte, 64<<20)}}
	for _, codec := range allCodecs[1:] {
		bomb := build(t, Options{BaseOffset: 0, Codec: codec}, zeros)
		for _, read := range []func(*Decoder) error{
			func(d *Decoder) error { _, err := decode(d, bomb); return err },
			func(d *Decoder) error { _, err := decodeKeys(d, bomb); return err },
		} {
			var err error
			used := allocated(func() { err = read(NewDecoder(bombLimit)) })
			var large *TooLargeError
			if !errors.As(err, &large) || large.Limit != bombLimit || errors.Is(err, ErrCorrupt) {
				t.Errorf("%v: %v", codec, err)
			}
			if used > 24<<20 {
				t.Errorf("%v: %d bytes allocated for a limit of %d", codec, used, bombLimit)
			}
		}
		if _, err := decode(NewDecoder(65<<20), bomb); err != nil {
			t.Errorf("%v: below its limit: %v", codec, err)
		}
	}
}

// The limit is exact: the last byte that fits is given, one more is refused.
func TestLimitIsExact(t *testing.T) {
	for _, codec := range allCodecs[1:] {
		records := []Record{{Value: make([]byte, 300_000)}}
		size := len(build(t, Options{}, records)) - HeaderSize
		batch := build(t, Options{Codec: codec}, records)
		if _, err := decode(NewDecoder(size), batch); err != nil {
			t.Errorf("%v: at the limit: %v", codec, err)
		}
		if got, err := decode(NewDecoder(size-1), batch); !errors.As(err, new(*TooLargeError)) || got != nil {
			t.Errorf("%v: a byte above the limit: %v", codec, err)
		}
	}
}

// The reader behind gzip and lz4 may give its last bytes together with io.EOF.
func TestLimitHoldsAtTheEnd(t *testing.T) {
	d := NewDecoder(9)
	if err := d.readAll(iotest.DataErrReader(strings.NewReader("ten bytes!"))); !errors.Is(err, errTooLarge) {
		t.Errorf("%v", err)
	}
}

// Java's encoder claims a window of 2 MiB for a few bytes; that is no bomb,
// whatever the limit.
func TestZstdWindowAboveTheLimit(t *testing.T) {
	want := make2()
	plain := build(t, Options{}, want)
	var body bytes.Buffer
	enc, err := zstd.NewWriter(&body, zstd.WithWindowSize(2<<20))
	if err != nil {
		t.Fatal(err)
	}
	_, writeErr := enc.Write(plain[HeaderSize:])
	// Without the flush the encoder would know the size and leave the window out.
	if err := errors.Join(writeErr, enc.Flush(), enc.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := decode(NewDecoder(bombLimit), withBody(t, build(t, Options{Codec: CodecZstd}, want), body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	compareRecords(t, got, want)
}

// Two bytes on the wire make a header of 48 in memory.
func TestHeaderBomb(t *testing.T) {
	batch := build(t, Options{Codec: CodecZstd}, []Record{{Headers: make([]RecordHeader, 400_000)}})
	var err error
	used := allocated(func() { _, err = decode(NewDecoder(bombLimit), batch) })
	var large *TooLargeError
	if !errors.As(err, &large) || used > 16<<20 {
		t.Errorf("%v, %d bytes allocated", err, used)
	}
}

// A count of two billion must not reserve anything.
func TestLyingCountsCostNothing(t *testing.T) {
	for _, codec := range allCodecs[1:] {
		batch := small(t, Options{Codec: codec})
		binary.BigEndian.PutUint32(batch[23:], 1<<31-1)
		binary.BigEndian.PutUint32(batch[57:], 1<<31-1)
		resum(batch)
		var err error
		used := allocated(func() { _, err = decode(NewDecoder(bombLimit), batch) })
		if !errors.Is(err, ErrCorrupt) || used > 12<<20 {
			t.Errorf("%v: %v, %d bytes allocated", codec, err, used)
		}
	}
}

// A snappy block names its own length; one that no snappy block can reach is
// refused before memory is taken.
func TestSnappyLengthThatLies(t *testing.T) {
	lie := binary.AppendUvarint(nil, 100<<20)
	batch := withBody(t, small(t, Options{Codec: CodecSnappy}), append(lie, 0, 'a'))
	var err error
	used := allocated(func() { _, err = decode(NewDecoder(0), batch) })
	if !errors.Is(err, ErrCorrupt) || used > 1<<20 {
		t.Errorf("%v, %d bytes allocated", err, used)
	}
}

func TestLargeBuffersAreLetGo(t *testing.T) {
	d := NewDecoder(0)
	large := build(t, Options{Codec: CodecZstd}, []Record{{Value: make([]byte, 2*retainDecoded)}})
	if _, err := decode(d, large); err != nil {
		t.Fatal(err)
	}
	if _, err := decode(d, small(t, Options{Codec: CodecZstd})); err != nil {
		t.Fatal(err)
	}
	if cap(d.buf) > retainDecoded {
		t.Errorf("%d bytes kept", cap(d.buf))
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
