package jsonline

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// oracle is the line as encoding/json writes it.
func oracle(t testing.TB, topic string, partition int32, rec recordbatch.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(Of(topic, partition, rec, TypeOf(false))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestLineIsThatOfEncodingJSON(t *testing.T) {
	pieces := []string{"", "a", "\"", "\\", "/", "<&>", "\x00", "\x1f", "\b\f\n\r\t", "\x7f", "\u2028", "\u2029", "\u2027", "\u202a", "é", "€", "☃", "𝄞", "\xff", "\xe2\x80", "\xed\xa0\x80"}
	some := func() []byte {
		if rand.IntN(6) == 0 {
			return nil
		}
		b := []byte{}
		for range rand.IntN(5) {
			b = append(b, pieces[rand.IntN(len(pieces))]...)
		}
		return b
	}
	const topic, partition = "cdc.orders_1-x", 7
	a := NewAppender(topic, partition)
	for range 50_000 {
		rec := recordbatch.Record{Offset: rand.Int64(), Timestamp: rand.Int64() - rand.Int64(), Key: some(), Value: some()}
		for range rand.IntN(3) {
			rec.Headers = append(rec.Headers, recordbatch.RecordHeader{Key: some(), Value: some()})
		}
		if got, want := a.Append(nil, rec, CreateTime), oracle(t, topic, partition, rec); !bytes.Equal(got, want) {
			t.Fatalf("%#v is\n%s, want\n%s", rec, got, want)
		}
	}
}

// All single bytes and all that two of them may stand for.
func TestTextIsThatOfEncodingJSON(t *testing.T) {
	a := NewAppender("t", 0)
	for r := range rune(0x3000) {
		rec := recordbatch.Record{Value: []byte("x" + string(r) + "y")}
		if got, want := a.Append(nil, rec, CreateTime), oracle(t, "t", 0, rec); !bytes.Equal(got, want) {
			t.Fatalf("%U is\n%s, want\n%s", r, got, want)
		}
	}
}

func TestTheBrokersTimeIsSaid(t *testing.T) {
	var l Line
	if err := json.Unmarshal(NewAppender("t", 0).Append(nil, recordbatch.Record{}, LogAppendTime), &l); err != nil || l.TimestampType != LogAppendTime {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestLineAllocatesNothing(t *testing.T) {
	a := NewAppender("t", 0)
	b := make([]byte, 0, 1<<10)
	rec := recordbatch.Record{Key: []byte("key"), Value: []byte(`{"a":"b"}`), Headers: []recordbatch.RecordHeader{{Key: []byte("h")}}}
	if n := testing.AllocsPerRun(100, func() { b = a.Append(b[:0], rec, CreateTime) }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func BenchmarkLine(b *testing.B) {
	a := NewAppender("orders", 0)
	rec := recordbatch.Record{Offset: 123456789, Timestamp: 1700000000000, Key: []byte("order-00004711"), Value: bytes.Repeat([]byte(`{"id":"x"}`), 22)}
	var out []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(rec.Value)))
	for b.Loop() {
		out = a.Append(out[:0], rec, CreateTime)
	}
}
