package recordbatch

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// build makes a batch in memory of its own.
func build(t testing.TB, opts Options, records []Record) []byte {
	t.Helper()
	var b Builder
	b.Reset(opts)
	for _, r := range records {
		if err := b.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(batch)
}

func decodeAll(t testing.TB, raw []byte) []Record {
	t.Helper()
	d := NewDecoder(0)
	var records []Record
	for batch, err := range All(raw) {
		if err != nil {
			t.Fatal(err)
		}
		more, err := decode(d, batch.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, more...)
	}
	return records
}

// decode gives copies of the records and the error of one batch.
func decode(d *Decoder, batch []byte) (records []Record, err error) {
	for r, err := range d.Records(batch) {
		if err != nil {
			return records, err
		}
		records = append(records, clone(r))
	}
	return records, nil
}

func decodeKeys(d *Decoder, batch []byte) (keys []RecordKey, err error) {
	for k, err := range d.Keys(batch) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, RecordKey{k.Offset, bytes.Clone(k.Key)})
	}
	return keys, nil
}

func clone(r Record) Record {
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	r.Headers = slices.Clone(r.Headers)
	for i, h := range r.Headers {
		r.Headers[i] = RecordHeader{bytes.Clone(h.Key), bytes.Clone(h.Value)}
	}
	return r
}

func renumber(records []Record, base int64) []Record {
	records = slices.Clone(records)
	for i := range records {
		records[i].Offset = base + int64(i)
	}
	return records
}

func compareRecords(t testing.TB, got, want []Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if !sameRecord(got[i], want[i]) {
			t.Errorf("record %d:\n got %.300s\nwant %.300s", i, fmt.Sprintf("%+v", got[i]), fmt.Sprintf("%+v", want[i]))
		}
	}
}

func sameRecord(a, b Record) bool {
	return a.Offset == b.Offset && a.Timestamp == b.Timestamp && a.Attributes == b.Attributes &&
		sameBytes(a.Key, b.Key) && sameBytes(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y RecordHeader) bool {
			return bytes.Equal(x.Key, y.Key) && sameBytes(x.Value, y.Value)
		})
}

// sameBytes tells null from empty.
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

var allCodecs = []Codec{CodecNone, CodecGzip, CodecSnappy, CodecLZ4, CodecZstd}
