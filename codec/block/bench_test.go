package block_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
)

// cpuPer begins to measure processor time, which unlike the clock's does not
// count what others on the machine do; the returned function ends it.
func cpuPer(b *testing.B, what string, n int) (done func()) {
	before := processor(b)
	return func() {
		b.ReportMetric(float64(processor(b)-before)/float64(b.N)/float64(n), "cpu-ns/"+what)
	}
}

func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkHash is SipHash over keys of 14 bytes.
func BenchmarkHash(b *testing.B) {
	keys := keysOf(b, block.Secret{7}, 0)
	key := []byte("order-00007919")
	b.SetBytes(int64(len(key)))
	b.ReportAllocs()
	for b.Loop() {
		keys.Hash(key)
	}
}

// BenchmarkFilter builds filters over distinct keys: as many as a block of
// 1 MiB has of events that were left uncompressed, and of compressed ones.
func BenchmarkFilter(b *testing.B) {
	for _, n := range []int{4000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var builder block.FilterBuilder
			var out []byte
			r := rand.New(rand.NewPCG(1, 2))
			hashes := make([]uint64, n)
			b.SetBytes(int64(8 * n))
			b.ReportAllocs()
			defer cpuPer(b, "key", n)()
			for b.Loop() {
				for i := range hashes { // other keys each time: some take several attempts
					hashes[i] = r.Uint64()
				}
				var err error
				if out, _, err = builder.Build(out[:0], hashes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(out))/float64(n), "bytes/key")
		})
	}
}

// BenchmarkSealBody is AES-256-GCM over a block of 1 MiB.
func BenchmarkSealBody(b *testing.B) {
	keys, body := keysOf(b, block.Secret{7}, 0), make([]byte, 1<<20)
	var out []byte
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = keys.SealBody(out[:0], body, block.Place{}); err != nil {
			b.Fatal(err)
		}
	}
}

// events are JSON orders of 237 bytes, as a block of 1 MiB has them.
func events() (body []byte, n int) {
	for ; len(body) < 1<<20; n++ {
		r := uint64(n+1) * 0x9e3779b97f4a7c15
		body = fmt.Appendf(body, `%c{"event_id":"%019d","type":"OrderCreated","order_id":"ord-%09d","user_id":"u-%07d","amount":"%03d.%02d","currency":"EUR",`+
			`"items":[{"sku":"SKU-%05d","qty":%d,"price":"%02d.99"}],"consent_token":"%016x"}`,
			n, r>>1, n, r>>7%1_000_000, r>>11%900, r>>13%100, r>>17%50_000, r>>19%5, r>>23%99, r*r)
	}
	return body, n
}

func BenchmarkCompress(b *testing.B) {
	body, n := events()
	for _, kind := range []block.Compression{block.S2, block.Zstd} {
		b.Run(kind.String(), func(b *testing.B) {
			var c block.Compressor
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			defer cpuPer(b, "event", n)()
			var packed []byte
			for b.Loop() {
				var err error
				if packed, _, err = c.Compress(kind, body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(body))/float64(len(packed)), "ratio")
		})
	}
}

func BenchmarkDecompress(b *testing.B) {
	body, n := events()
	for _, kind := range []block.Compression{block.S2, block.Zstd} {
		b.Run(kind.String(), func(b *testing.B) {
			var c block.Compressor
			packed, _, err := c.Compress(kind, body)
			if err != nil {
				b.Fatal(err)
			}
			var d block.Decompressor
			into := make([]byte, len(body))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			defer cpuPer(b, "event", n)()
			for b.Loop() {
				if err := d.Decompress(kind, into, packed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
