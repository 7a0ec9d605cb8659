package fields_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/fields"
)

// orderAt is an event of 237 bytes, as bench/events has them: every order of
// another customer, as far as a block can tell.
func orderAt(n int64) []byte {
	r := uint64(n+1) * 0x9e3779b97f4a7c15
	return fmt.Appendf(nil, `{"event_id":"%019d","type":"OrderCreated","order_id":"ord-%09d","user_id":"u-%07d","amount":"%03d.%02d","currency":"EUR",`+
		`"items":[{"sku":"SKU-%05d","qty":%d,"price":"%02d.99"}],"consent_token":"%016x"}`,
		r>>1, n, r>>7%1_000_000, r>>11%900, r>>13%100, r>>17%50_000, r>>19%5, r>>23%90+10, r*r)
}

// batches are some 4 MiB of orders, 150 a batch.
func batches(b *testing.B, codec recordbatch.Codec) (out [][]byte, headers []recordbatch.Header, events int) {
	var builder recordbatch.Builder
	for size, offset := 0, int64(0); size < 4<<20; {
		builder.Reset(recordbatch.Options{BaseOffset: offset, Codec: codec})
		for range 150 {
			value := orderAt(offset)
			size += len(value)
			if err := builder.Append(recordbatch.Record{Offset: offset, Timestamp: 1_790_000_000_000, Key: fmt.Appendf(nil, "ord-%09d", offset), Value: value}); err != nil {
				b.Fatal(err)
			}
			offset++
			events++
		}
		batch, err := builder.Finish()
		if err != nil {
			b.Fatal(err)
		}
		h, err := recordbatch.ParseHeader(batch)
		if err != nil {
			b.Fatal(err)
		}
		out, headers = append(out, bytes.Clone(batch)), append(headers, h)
	}
	return out, headers, events
}

// BenchmarkSeal writes segments of orders, compressed by their producer and not,
// with no field, one and three. What a field costs is the difference, in CPU time
// of the process: others may use the machine at the same time.
func BenchmarkSeal(b *testing.B) {
	one := rule(b, "customer", "user_id")
	three := []*fields.Rule{one, rule(b, "sku", "items.sku"), rule(b, "amount", "amount")}
	for _, codec := range []recordbatch.Codec{recordbatch.CodecZstd, recordbatch.CodecNone} {
		raw, headers, events := batches(b, codec)
		for _, n := range []int{0, 1, 3} {
			o := segment.Options{Filter: true, Compression: block.Zstd, Pool: segment.NewPool(), Buffer: make([]byte, 0, 8<<20)}
			if n > 0 {
				o.Fields = set(b, three[:n]...)
			}
			b.Run(fmt.Sprintf("from=%v/fields=%d", codec, n), func(b *testing.B) { seal(b, o, raw, headers, events) })
		}
	}
}

func seal(b *testing.B, o segment.Options, raw [][]byte, headers []recordbatch.Header, events int) {
	h := segment.Header{
		Archive: names.ArchiveID{1}, Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{1}, Branch: names.RootBranch},
		Parent: names.RootBranch, Page: names.PageID{1}, Created: time.UnixMilli(1_790_000_000_000),
	}
	signer := signed.NewSigner(signed.RoleArchive, ed25519.NewKeyFromSeed(make([]byte, 32)))
	b.ReportAllocs()
	filters, before := 0, cpu(b)
	for b.Loop() {
		w, err := segment.NewWriter(h, block.Secret{1}, o)
		if err != nil {
			b.Fatal(err)
		}
		for i := range raw {
			if err := w.Append(headers[i], raw[i]); err != nil {
				b.Fatal(err)
			}
		}
		s, err := w.Close(w.Next(), names.Digest{}, signer)
		if err != nil || s.Unread > 0 {
			b.Fatalf("%v, %d unread", err, s.Unread)
		}
		o.Buffer, filters = s.Data, 0
		for _, e := range s.Footer.Blocks {
			filters += int(e.Filter.Length)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N*events), "cpu-ns/event")
	b.ReportMetric(float64(filters)/float64(events), "filter-bytes/event")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
