package e2e

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

var farFuture = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// anyTime lets producers stamp records as they like: since Kafka 4 a topic refuses what is more than an hour ahead.
var anyTime = map[string]string{"message.timestamp.after.max.ms": "9223372036854775807", "max.message.bytes": "16777216"}

// testOdd: records as no client should write them, and Kafka takes.
func testOdd(t *testing.T, w *world) {
	w.makeTopic(t, "odd", 1, anyTime)
	w.makeTopic(t, "odd-stamped", 1, map[string]string{"message.timestamp.type": "LogAppendTime"})
	client := w.dial(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(12<<20), kgo.ProducerLinger(100*time.Millisecond))
	for _, batch := range oddBatches() {
		if err := client.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	a := w.newArchive(t, "odd", "odd", "odd-stamped")
	a.catchUp(t)
	a.verify(t)
	if lines := a.must(t, "cat", "--topic", "odd-stamped").stdout; bytes.Count(lines, []byte(`"tstype":"logappend"`)) != 2 {
		t.Errorf("cat does not say whose time it is:\n%s", lines)
	}
	now := time.Now()
	a.restore(t, now, "odd=odd-back")
	a.restore(t, now, "odd-stamped=odd-stamped-back")
	a.restore(t, farFuture, "odd=odd-whole")
	w.sameRecords(t, "odd", "odd-whole", everyRecord)
	w.sameRecords(t, "odd", "odd-back", func(r recordbatch.Record) bool { return r.Timestamp <= now.UnixMilli() })
	w.sameRecords(t, "odd-stamped", "odd-stamped-back", everyRecord)
}

// oddBatches are each produced as one batch.
func oddBatches() [][]*kgo.Record {
	odd := func(at time.Time, value []byte, headers ...kgo.RecordHeader) *kgo.Record {
		return &kgo.Record{Topic: "odd", Key: []byte("k"), Value: value, Timestamp: at, Headers: headers}
	}
	var many []kgo.RecordHeader
	for i := range 10_000 {
		many = append(many, kgo.RecordHeader{Key: fmt.Sprint("h", i%100), Value: []byte{byte(i)}})
	}
	now := time.Now()
	return [][]*kgo.Record{
		{odd(now, []byte("ten thousand headers"), many...)},
		{ // out of order, and more than the 24.8 days apart that milliseconds in 32 bits can tell
			odd(now, []byte("now")), odd(time.UnixMilli(-1), []byte("none")), odd(time.UnixMilli(0), []byte("zero")),
			odd(now.AddDate(0, 0, -25), []byte("25 days before")), odd(farFuture, []byte("2200")), odd(now, nil),
		},
		{odd(now, []byte("invalid \xff\xfe UTF-8"), kgo.RecordHeader{Key: "bad \xc3\x28", Value: []byte{0xff}}),
			odd(now, []byte{}, kgo.RecordHeader{Key: "", Value: nil}, kgo.RecordHeader{Key: "", Value: []byte{}})},
		{{Topic: "odd", Key: nil, Value: nil, Timestamp: now}, {Topic: "odd", Key: []byte{}, Value: []byte{}, Timestamp: now}},
		{odd(now, bytes.Repeat([]byte("six megabytes "), 6<<20/14))},
		{odd(now, []byte(strings.Repeat("level=ERROR msg=\"not a log line\"\n", 3)))},
		{
			{Topic: "odd-stamped", Value: []byte("the broker's time counts"), Timestamp: now.AddDate(-1, 0, 0)},
			{Topic: "odd-stamped", Value: []byte("for both"), Timestamp: now.AddDate(-2, 0, 0)},
		},
	}
}

func everyRecord(recordbatch.Record) bool { return true }

// sameRecords compares what a consumer sees of two topics, of the records of the first that should have come.
func (w *world) sameRecords(t *testing.T, from, into string, should func(recordbatch.Record) bool) {
	t.Helper()
	want, got := w.collect(t, from, should), w.collect(t, into, everyRecord)
	n := 0
	for p := range max(len(want), len(got)) {
		at := int32(p)
		n += len(want[at])
		if len(want[at]) != len(got[at]) {
			t.Errorf("%s/%d has %d records to bring back, %s has %d", from, p, len(want[at]), into, len(got[at]))
			continue
		}
		for i := range want[at] {
			if !reflect.DeepEqual(want[at][i], got[at][i]) {
				t.Errorf("%s/%d record %d: %.200v came back as %.200v", from, p, i, want[at][i], got[at][i])
			}
		}
	}
	t.Logf("%s: %d records, the same in %s", from, n, into)
	if n == 0 {
		t.Errorf("%s is empty, so nothing is proven", from)
	}
}

// collect reads a topic into memory, by partition; offsets do not count.
func (w *world) collect(t *testing.T, topic string, keep func(recordbatch.Record) bool) map[int32][]recordbatch.Record {
	t.Helper()
	all := map[int32][]recordbatch.Record{}
	w.readTopic(t, topic, func(r *kgo.Record) {
		if p := plain(r); keep(p) {
			p.Offset = 0
			all[r.Partition] = append(all[r.Partition], p)
		}
	})
	return all
}
