package recordbatch

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
)

// fuzzLimit keeps a hostile input from slowing the fuzzer down.
const fuzzLimit = 1 << 20

// The law: what opens encodes again to the same records, in every codec; what
// does not open gives nothing. Fuzz with -fuzzminimizetime=20x: with its
// default Go spends most of a short run on making inputs smaller.
func FuzzBatch(f *testing.F) {
	for _, codec := range allCodecs {
		f.Add(small(f, Options{BaseOffset: 3, Codec: codec}), false)
		f.Add(small(f, Options{Codec: codec, LogAppendTime: true, Producer: &Producer{1, 2, 3}})[:64], true)
	}
	commit, err := marker{Type: ControlCommit, ProducerID: 5}.batch()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(commit, true)
	f.Add(build(f, Options{}, awkwardRecords()[:7]), true)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if mend && len(b) > HeaderSize { // else the CRC would keep the fuzzer away from the records
			h := readHeader(b)
			h.Magic, h.Length = 2, int32(len(b)-sizePrefix)
			h.put(b)
			resum(b)
		}
		h, batch, rest, err := Next(b)
		if err != nil {
			if batch != nil || len(rest) != len(b) {
				t.Fatal("an error, and a batch all the same")
			}
			return
		}
		if !bytes.Equal(append(batch[:len(batch):len(batch)], rest...), b) || h.NextOffset() <= h.BaseOffset {
			t.Fatalf("batch and rest are not the input, or offsets do not rise: %+v", h)
		}
		checkOpened(t, h, batch)
	})
}

func checkOpened(t *testing.T, h Header, batch []byte) {
	d := NewDecoder(fuzzLimit)
	records, err := decode(d, batch)
	keys, keysErr := decodeKeys(d, batch)
	if _, _, controlErr := ParseControl(batch); h.IsControl() && err != nil && !errors.As(err, new(*TooLargeError)) && controlErr == nil {
		t.Fatalf("Records says %v, ParseControl nothing", err)
	}
	if err != nil {
		if records != nil {
			t.Fatalf("%d records before the error %v", len(records), err)
		}
		return
	}
	if len(records) != int(h.Count) || keysErr != nil || len(keys) != len(records) {
		t.Fatalf("count %d, %d records, %d keys, %v", h.Count, len(records), len(keys), keysErr)
	}
	for i, k := range keys {
		if k.Offset != records[i].Offset || !sameBytes(k.Key, records[i].Key) {
			t.Fatalf("key %d is %+v, record %+v", i, k, records[i])
		}
	}
	for _, codec := range allCodecs {
		again := encodeAgain(t, h, codec, records)
		got, err := decode(d, again)
		if err != nil {
			t.Fatalf("%v: %v", codec, err)
		}
		compareRecords(t, got, records)
	}
	produceAgain(t, batch, records)
}

func encodeAgain(t *testing.T, h Header, codec Codec, records []Record) []byte {
	var b Builder
	b.Reset(Options{BaseOffset: h.BaseOffset, Codec: codec, LogAppendTime: h.LogAppendTime(), Control: h.IsControl()})
	for _, r := range records {
		if err := b.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	b.EndAt(h.LastOffset())
	batch, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	again, _, _, err := Next(batch)
	if err != nil || again.NextOffset() != h.NextOffset() || again.Count != h.Count {
		t.Fatalf("%v: %+v became %+v, %v", codec, h, again, err)
	}
	return batch
}

func produceAgain(t *testing.T, batch []byte, records []Record) {
	batch = bytes.Clone(batch)
	if !SetProducer(batch, 1, 2, math.MaxInt32) {
		return
	}
	got, err := decode(NewDecoder(fuzzLimit), batch)
	if err != nil {
		t.Fatal(err)
	}
	compareRecords(t, got, renumber(records, 0))
}

// FuzzQuickKeys: whatever the bytes, the quick way to a key gives what the
// careful one does, or leaves the record to it.
func FuzzQuickKeys(f *testing.F) {
	for _, records := range [][]Record{awkwardRecords()[:7], {{Key: bytes.Repeat([]byte("k"), 70)}, {Offset: 1, Timestamp: math.MinInt64}}} {
		batch := build(f, Options{}, records)
		f.Add(batch[HeaderSize:], int32(len(records)), int32(len(records)-1))
	}
	long := []byte{40, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0}
	f.Add(long, int32(1), int32(0))
	f.Add(bytes.Repeat([]byte{14, 0, 0, 0, 2, 'k', 1, 0}, 2), int32(2), int32(1)) // one offset twice
	f.Fuzz(func(t *testing.T, body []byte, count, last int32) {
		h := Header{BaseOffset: 1 << 40, Count: count, LastOffsetDelta: last}
		w := walk{h: h, r: reader{b: body}, left: count, last: -1}
		for w.left > 0 {
			slow, before := w, w
			want, err := slow.careful()
			got, ok := w.quick()
			if !ok {
				if !reflect.DeepEqual(w, before) {
					t.Fatal("quick moved and gave nothing")
				}
				w = slow
			} else if err != nil || got.Offset != want.Offset || !sameBytes(got.Key, want.Key) || !reflect.DeepEqual(w, slow) {
				t.Fatalf("quick gives %+v, careful %+v, %v", got, want, err)
			}
			if err != nil {
				return
			}
		}
	})
}
