package load

import (
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// sample makes a template of n orders.
func sample(t testing.TB, codec recordbatch.Codec, n int) *template {
	t.Helper()
	o := Options{Seed: 7}.withDefaults()
	e := encoder{codec: codec}
	out, err := e.encode(newSource(o, 0, 100).some(n), -1)
	must(t, err)
	return out
}

// A stamped batch is one that the strict reader takes, with the stamp in it and
// the records as they were.
func TestStamp(t *testing.T) {
	for codec := recordbatch.CodecNone; codec <= recordbatch.CodecZstd; codec++ {
		x := sample(t, codec, 50)
		s := stamp{now: 1_790_000_000_123, producer: 42, epoch: 3, sequence: 1_000, transactional: codec == recordbatch.CodecLZ4}
		b, crc := x.appendTo([]byte("in front"), s)
		h, batch, rest, err := recordbatch.Next(b[len("in front"):])
		must(t, err)
		if len(rest) != 0 || h.CRC != crc || h.MaxTimestamp != s.now || h.BaseTimestamp != s.now-x.last || h.ProducerID != 42 ||
			h.ProducerEpoch != 3 || h.BaseSequence != 1_000 || h.IsTransactional() != s.transactional || h.Codec() != codec || h.Count != 50 {
			t.Errorf("%s: %+v", codec, h)
		}
		bytes, n := int64(0), 0
		for rec, err := range recordbatch.NewDecoder(0).Records(batch) {
			must(t, err)
			bytes += int64(len(rec.Key) + len(rec.Value))
			n++
			if rec.Timestamp < h.BaseTimestamp || rec.Timestamp > s.now {
				t.Errorf("%s: timestamp %d", codec, rec.Timestamp)
			}
		}
		if n != 50 || bytes != x.bytes {
			t.Errorf("%s: %d records of %d bytes, want 50 of %d", codec, n, bytes, x.bytes)
		}
		if codec == recordbatch.CodecNone && x.plain != int64(len(x.batch)) {
			t.Errorf("not compressed it is %d bytes, and %d by the sum", len(x.batch), x.plain)
		}
	}
}

func TestTooLargeABatch(t *testing.T) {
	e := encoder{}
	if _, err := e.encode([]event{{key: []byte("k"), value: make([]byte, maxBatch)}}, -1); err == nil {
		t.Error("a batch above what brokers take was made")
	}
}

func TestSequenceWraps(t *testing.T) {
	for _, c := range []struct{ from, n, want int32 }{{0, 200, 200}, {1<<31 - 1, 1, 0}, {1<<31 - 100, 200, 100}, {1<<31 - 201, 200, 1<<31 - 1}} {
		if got := following(c.from, c.n); got != c.want {
			t.Errorf("after %d events from %d comes %d, want %d", c.n, c.from, got, c.want)
		}
	}
}

// Sizes and ratios are what was asked for, on the average of the whole bank.
func TestAsked(t *testing.T) {
	for _, w := range []report.Workload{
		{EventBytes: 100},
		{EventBytes: 1_200, Codec: "zstd", Ratio: 3, BatchEvents: 50},
		{EventBytes: 1_200, Codec: "gzip", Ratio: 8, BatchEvents: 50},
		{EventBytes: 4_096, Codec: "snappy", Ratio: 2, BatchEvents: 20},
		{EventBytes: 237, Codec: "zstd", Ratio: 2},
		{EventBytes: 1_000, Format: Debezium, Codec: "zstd", BatchEvents: 50},
		{Format: Debezium, Codec: "lz4"},
		{EventBytes: 300, Codec: "zstd", KeySkew: 0.8},
	} {
		t.Run(fmt.Sprintf("%s-%d-%s-%g", w.Format, w.EventBytes, w.Codec, w.Ratio), func(t *testing.T) {
			t.Parallel()
			w.Rate = 1
			g, err := New(Options{Workload: w})
			must(t, err)
			got := g.Workload()
			if want := w.EventBytes; want > 0 && (got.EventBytes < want*95/100 || got.EventBytes > want*105/100) {
				t.Errorf("%d bytes an event, asked for %d", got.EventBytes, want)
			}
			if want := w.Ratio; want > 0 && (got.Ratio < want*0.93 || got.Ratio > want*1.07) {
				t.Errorf("ratio %.2f, asked for %g", got.Ratio, want)
			}
			t.Logf("%+v", got)
		})
	}
}

func TestRefused(t *testing.T) {
	for _, o := range []Options{
		{Workload: report.Workload{}},
		{Workload: report.Workload{Events: 1, Format: "avro"}},
		{Workload: report.Workload{Events: 1, Codec: "brotli"}},
		{Workload: report.Workload{Events: 1, EventBytes: 20}},
		{Workload: report.Workload{Events: 1, EventBytes: 200, Format: Debezium}},
		{Workload: report.Workload{Events: 1, BatchEvents: -1}},
		{Workload: report.Workload{Events: 1, Partitions: 10_001}},
		{Workload: report.Workload{Events: 1, KeySkew: -1}},
		{Workload: report.Workload{Events: 1, Ratio: 0.5}},
		{Workload: report.Workload{Events: 1, Ratio: 40, Codec: "snappy"}},
		{Workload: report.Workload{Events: 1}, InFlight: 17},
		{Workload: report.Workload{Events: 1, Partitions: 10_000, EventBytes: 4_096}, Partitioned: true},
		{Workload: report.Workload{Events: 1, EventBytes: 60_000}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o.Workload)
		}
	}
}

func BenchmarkStamp(b *testing.B) {
	x := sample(b, recordbatch.CodecZstd, 200)
	b.SetBytes(int64(len(x.batch)))
	b.ReportAllocs()
	var buffer []byte
	for i := range b.N {
		buffer, _ = x.appendTo(buffer[:0], stamp{now: int64(i), producer: 1})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/event")
}
