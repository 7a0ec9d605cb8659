package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// BenchmarkArchive catches up with what is in an embedded broker, into two
// regions in memory. The broker works in the same process: its share of the
// CPU time is in the figures, and only a profile tells it apart.
func BenchmarkArchive(b *testing.B) {
	codecs := map[string]kgo.CompressionCodec{"zstd": kgo.ZstdCompression(), "none": kgo.NoCompression()}
	for name, codec := range codecs {
		for _, filter := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/filter=%t", name, filter), func(b *testing.B) { benchmark(b, codec, filter) })
		}
	}
}

const benchEvents = 400_000

func benchmark(b *testing.B, codec kgo.CompressionCodec, filter bool) {
	w := newWorld(b, kfake.SeedTopics(4, "orders"))
	size := load(b, w, codec)
	cfg := w.config("orders")
	cfg.Roll = archive.Roll{Size: 16 << 20, Age: 500 * time.Millisecond, Block: 1 << 20, Compression: block.S2, KeyFilter: filter}
	cfg.Fetch = archive.Fetch{MaxWait: 100 * time.Millisecond, MinBytes: 1 << 20, MaxBytes: 16 << 20, MaxPartitionBytes: 4 << 20, MaxBatchBytes: 32 << 20}
	cfg.Memory = 256 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		w.regions = [2]*memoryRegion{newMemoryRegion("a"), newMemoryRegion("b")}
		stored := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(context.Background())
		a := w.archiver(cfg, func(p *archive.Parts) {
			p.Log = slog.New(slog.DiscardHandler)
			p.Hooks.Sealed = w.countdown(benchEvents, stored)
		})
		go func() { <-stored; cancel() }()
		if err := a.Run(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(benchEvents)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// load produces orders of some 237 bytes in batches of about 200.
func load(b *testing.B, w *world, codec kgo.CompressionCodec) (size int64) {
	c := w.client(kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(48<<10), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1<<20))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range benchEvents {
		var v bytes.Buffer
		fmt.Fprintf(&v, `{"event_id":"%019d","type":"OrderCreated","order_id":"ord-%09d","user_id":"u-%07d","amount":"%d.%02d","currency":"EUR","items":[{"sku":"SKU-%05d","qty":%d,"price":"%d.99"}],"consent_token":"%016x","ts":%d}`,
			r.Int64(), i, r.IntN(1e6), r.IntN(900), r.IntN(100), r.IntN(5e4), r.IntN(5), r.IntN(99), r.Uint64(), 1_780_000_000_000+int64(i))
		size += int64(v.Len())
		c.Produce(context.Background(), &kgo.Record{Topic: "orders", Partition: int32(i % 4), Key: fmt.Appendf(nil, "ord-%09d", i), Value: v.Bytes()}, nil)
	}
	if err := c.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	c.Close()
	return size
}
