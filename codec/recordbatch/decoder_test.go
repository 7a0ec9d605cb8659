package recordbatch

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
)

func TestRecordsComeBack(t *testing.T) {
	want := awkwardRecords()
	want[3].Offset += 5 // a hole, as compaction leaves it
	for i := range want[4:] {
		want[4+i].Offset += 9
	}
	d := NewDecoder(0)
	for _, codec := range allCodecs {
		batch := build(t, Options{Codec: codec}, want)
		got, err := decode(d, batch)
		if err != nil {
			t.Fatalf("%v: %v", codec, err)
		}
		compareRecords(t, got, want)
		keys, err := decodeKeys(d, batch)
		if err != nil {
			t.Fatalf("%v: %v", codec, err)
		}
		for i, k := range keys {
			if k.Offset != want[i].Offset || !sameBytes(k.Key, want[i].Key) {
				t.Errorf("%v: key %d is %+v", codec, i, k)
			}
		}
		if len(keys) != len(want) {
			t.Errorf("%v: %d keys, want %d", codec, len(keys), len(want))
		}
	}
}

func TestAnyTimestampComesBack(t *testing.T) {
	times := []int64{-1, 0, math.MinInt64, math.MaxInt64, 7_258_118_400_000, 25 * 24 * 3600 * 1000, 1}
	for first := range times {
		var want []Record
		for i := range times {
			want = append(want, Record{Timestamp: times[(first+i)%len(times)], Offset: int64(i)})
		}
		batch := build(t, Options{}, want)
		compareRecords(t, decodeAll(t, batch), want)
		if h, _ := ParseHeader(batch); h.BaseTimestamp != times[first] || h.MaxTimestamp != math.MaxInt64 {
			t.Errorf("first time %d: header %+v", times[first], h)
		}
	}
}

func TestLogAppendTimeIsEveryRecordsTime(t *testing.T) {
	for _, r := range decodeAll(t, small(t, Options{LogAppendTime: true})) {
		if r.Timestamp != 9 {
			t.Errorf("offset %d has time %d, want the batch's highest, 9", r.Offset, r.Timestamp)
		}
	}
}

// Deltas count from BaseTimestamp also where it is a delete horizon.
func TestDeleteHorizonKeepsRecordTimes(t *testing.T) {
	batch := small(t, Options{})
	batch[22] |= deleteHorizonBit
	if got := decodeAll(t, resum(batch)); got[1].Timestamp != 9 {
		t.Errorf("time is %d, want 9", got[1].Timestamp)
	}
}

func TestPlainAndJoinedSnappy(t *testing.T) {
	want := awkwardRecords()
	framed := build(t, Options{Codec: CodecSnappy}, want)
	plain := build(t, Options{}, want)
	raw := s2.EncodeSnappy(nil, plain[HeaderSize:])
	joined := slices.Concat(framed[HeaderSize:HeaderSize+snappyHead], framed[HeaderSize:])
	for name, body := range map[string][]byte{"plain": raw, "joined": joined} {
		got, err := decode(NewDecoder(0), withBody(t, framed, body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		compareRecords(t, got, want)
	}
}

// withBody puts other record bytes under the header of a batch.
func withBody(t testing.TB, batch, body []byte) []byte {
	t.Helper()
	h := readHeader(batch)
	out := append(slices.Clone(batch[:HeaderSize]), body...)
	h.Length = int32(len(out) - sizePrefix)
	h.put(out)
	return resum(out)
}

func TestBrokenRecordsGiveNothing(t *testing.T) {
	record := func(fields ...byte) []byte { return append([]byte{byte(len(fields) * 2)}, fields...) }
	good := record(0, 0, 0, 1, 1, 0)
	for _, c := range []struct {
		rule   string
		second []byte
	}{
		{ruleCountHigh, nil},
		{ruleNegative, []byte{3, 0, 0, 0, 0, 0, 0}},
		{ruleShort, []byte{40, 0, 0, 2, 1, 1, 0}},
		{ruleShort, record(0, 0, 2, 40, 1, 0, 0)},
		{ruleShort, record(0, 0, 2, 1, 40, 0, 0)},
		{ruleNegative, record(0, 0, 2, 3, 1, 0, 0)},
		{ruleNegative, record(0, 0, 2, 1, 3, 0, 0)},
		{ruleTrailing, record(0, 0, 2, 1, 1, 0, 0)},
		{ruleOffsetRange, record(0, 0, 4, 1, 1, 0)},
		{ruleOffsetRange, record(0, 0, 1, 1, 1, 0)},
		{ruleOffsetOrder, record(0, 0, 0, 1, 1, 0)},
		{ruleHeaderCount, record(0, 0, 2, 1, 1, 1)},
		{ruleHeaderCount, record(0, 0, 2, 1, 1, 4, 0, 1)},
		{ruleHeaderCount, record(0, 0, 2, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f)},
		{ruleNullKey, record(0, 0, 2, 1, 1, 2, 1, 1)},
		{ruleVarint, record(0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 2, 1, 1, 0)},
		{ruleVarint, record(0, 0, 0x82, 0x80, 0x80, 0x80, 0x80, 0, 1, 1, 0)},
		{ruleBatchTrailer, append(record(0, 0, 2, 1, 1, 0), 0)},
	} {
		plain := withBody(t, build(t, Options{}, make2()), append(slices.Clone(good), c.second...))
		for _, codec := range allCodecs {
			got, err := decode(NewDecoder(0), recompress(t, plain, codec))
			if !errors.Is(err, ErrCorrupt) || !broken(err, c.rule) || got != nil {
				t.Errorf("%v, % x: %d records, error %v, want %q", codec, c.second, len(got), err, c.rule)
			}
		}
	}
}

// broken accepts the header's own count check, which finds some lies of a plain
// batch before any record is read.
func broken(err error, rule string) bool {
	return strings.Contains(err.Error(), rule) || strings.Contains(err.Error(), "does not fit")
}

func make2() []Record { return []Record{{Offset: 0}, {Offset: 1, Value: make([]byte, 30)}} }

func recompress(t testing.TB, plain []byte, codec Codec) []byte {
	t.Helper()
	var c compressor
	body, err := c.compress(nil, codec, plain[HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	batch := slices.Clone(plain)
	batch[22] |= byte(codec)
	return withBody(t, batch, body)
}

func TestBrokenCompressionGivesNothing(t *testing.T) {
	d := NewDecoder(0)
	for _, codec := range allCodecs[1:] {
		batch := build(t, Options{Codec: codec}, awkwardRecords())
		for _, body := range [][]byte{batch[HeaderSize : len(batch)/2], []byte("no such format"), {0}} {
			got, err := decode(d, withBody(t, batch, body))
			if !errors.Is(err, ErrCorrupt) || got != nil {
				t.Errorf("%v: %d records, error %v", codec, len(got), err)
			}
		}
		if got, err := decode(d, batch); err != nil || len(got) == 0 {
			t.Errorf("%v: the decoder does not recover: %v", codec, err)
		}
	}
}

func TestEmptyBatchHoldsItsOffsets(t *testing.T) {
	var b Builder
	b.Reset(Options{BaseOffset: 100, Codec: CodecGzip})
	b.EndAt(120)
	batch, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	h, _, _, err := Next(batch)
	if err != nil || h.NextOffset() != 121 || h.Count != 0 || h.MaxTimestamp != -1 || IsDense(h) {
		t.Errorf("%+v, %v", h, err)
	}
	if got, err := decode(NewDecoder(0), batch); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestDecoderWantsOneWholeBatch(t *testing.T) {
	batch := small(t, Options{})
	if _, err := decode(NewDecoder(0), batch[:len(batch)-1]); !errors.Is(err, ErrPartial) {
		t.Errorf("cut short: %v", err)
	}
	if _, err := decodeKeys(NewDecoder(0), append(batch, 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestLeavingTheLoopEarly(t *testing.T) {
	d, batch := NewDecoder(0), small(t, Options{Codec: CodecLZ4})
	for range 2 {
		for r, err := range d.Records(batch) {
			if err != nil || !bytes.Equal(r.Key, []byte("k0")) {
				t.Fatalf("%s, %v", r.Key, err)
			}
			break
		}
		for k, err := range d.Keys(batch) {
			if err != nil || !bytes.Equal(k.Key, []byte("k0")) {
				t.Fatalf("%s, %v", k.Key, err)
			}
			break
		}
	}
}
