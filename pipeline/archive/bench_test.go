package archive_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// BenchmarkArchive catches up with what is in an embedded broker, into two
// regions in memory, and compares that with the cheapest programs there can be
// for the job: fetch (raw fetch, batches thrown away) and floor (raw fetch,
// CRC-32C, AES-256-GCM, SHA-256, kept). The broker works in the same process,
// so that its share is in every cpu-ns/event: take fetch off the others before
// you make a ratio.
func BenchmarkArchive(b *testing.B) {
	codecs := map[string]kgo.CompressionCodec{"zstd": kgo.ZstdCompression(), "none": kgo.NoCompression()}
	for name, codec := range codecs {
		w := newWorld(b, kfake.SeedTopics(4, "orders"))
		size := load(b, w, codec)
		b.Run(name+"/fetch", func(b *testing.B) { benchmarkFloor(b, w, size, false) })
		b.Run(name+"/floor", func(b *testing.B) { benchmarkFloor(b, w, size, true) })
		for _, filter := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/archive/filter=%t", name, filter), func(b *testing.B) { benchmark(b, w, size, filter) })
		}
	}
}

const benchEvents = 400_000

// cpu is the CPU time of this process so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measured reports CPU time and rate of what run does.
func measured(b *testing.B, size int64, run func()) {
	b.SetBytes(size)
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		run()
	}
	n := float64(benchEvents) * float64(b.N)
	b.ReportMetric(float64(cpu(b)-before)/n, "cpu-ns/event")
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
}

func benchmarkFloor(b *testing.B, w *world, size int64, seal bool) {
	aead, err := cipher.NewGCMWithRandomNonce(must1(aes.NewCipher(make([]byte, 32))))
	must(b, err)
	var sealed []byte
	client, id := w.client(), w.newest("orders").Topic
	must(b, client.Ping(context.Background()))
	measured(b, size, func() {
		for p := range int32(4) {
			for at := int64(0); at < benchEvents/4; {
				raw := fetchRawAt(b, w, client, id, p, at)
				for batch, err := range recordbatch.All(raw) {
					if errors.Is(err, recordbatch.ErrPartial) {
						break
					}
					must(b, err)
					at = batch.NextOffset()
				}
				if seal {
					sealed = aead.Seal(sealed[:0], nil, raw, nil)
					_ = sha256.Sum256(sealed)
				}
			}
		}
	})
}

// fetchRawAt reads the batches of a partition from an offset on, as many as
// the archiver asks for at a time.
func fetchRawAt(b *testing.B, w *world, client *kgo.Client, id names.TopicID, partition int32, at int64) []byte {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.SessionEpoch = 100, 1, 16<<20, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = "orders", id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = partition, at, 4<<20
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := client.Broker(int(w.broker.LeaderFor("orders", partition))).RetriableRequest(context.Background(), req)
	must(b, err)
	return resp.(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func benchmark(b *testing.B, w *world, size int64, filter bool) {
	cfg := w.config("orders")
	cfg.Roll = archive.Roll{Size: 16 << 20, Age: 500 * time.Millisecond, Block: 1 << 20, Compression: block.S2, KeyFilter: filter}
	cfg.Fetch = archive.Fetch{MaxWait: 100 * time.Millisecond, MinBytes: 1 << 20, MaxBytes: 16 << 20, MaxPartitionBytes: 4 << 20, MaxBatchBytes: 32 << 20}
	cfg.Memory = 256 << 20
	measured(b, size, func() {
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
	})
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
