package recordbatch

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// benchRecords is what a producer that lingers for a few milliseconds puts
// into a batch of 48 KiB.
const benchRecords = 200

// orders is a batch as a shop's producers make them: JSON orders of 237 bytes
// under distinct keys of 14, which compress three to five times.
func orders(t testing.TB, codec Codec) []byte {
	t.Helper()
	var records []Record
	for i := range int64(benchRecords) {
		records = append(records, Record{
			Offset: i, Timestamp: 1_790_000_000_000 + i/7, Key: fmt.Appendf(nil, "order-%08d", i*7919%100_000), Value: order(i),
		})
	}
	return build(t, Options{Codec: codec}, records)
}

func order(i int64) []byte {
	r := uint64(i+1) * 0x9e3779b97f4a7c15 // spread like random numbers
	return fmt.Appendf(nil, `{"event_id":"%019d","type":"OrderCreated","order_id":"ord-%09d","user_id":"u-%07d","amount":"%03d.%02d","currency":"EUR",`+
		`"items":[{"sku":"SKU-%05d","qty":%d,"price":"%02d.99"}],"consent_token":"%016x","ts":%d}`,
		r>>1, i, r>>7%1_000_000, r>>11%900, r>>13%100, r>>17%50_000, r>>19%5, r>>23%99, r*r, 1_790_000_000_000+i/7)
}

func BenchmarkHeader(b *testing.B) {
	batch := orders(b, CodecZstd)
	b.SetBytes(HeaderSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseHeader(batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNext is the header and the CRC-32C.
func BenchmarkNext(b *testing.B) {
	for _, codec := range []Codec{CodecNone, CodecZstd} {
		batch := orders(b, codec)
		b.Run(codec.String(), func(b *testing.B) {
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			defer perRecord(b)()
			for b.Loop() {
				if _, _, _, err := Next(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecompress counts the bytes that come out.
func BenchmarkDecompress(b *testing.B) {
	plain := len(orders(b, CodecNone)) - HeaderSize
	for _, codec := range allCodecs[1:] {
		body := orders(b, codec)[HeaderSize:]
		b.Run(codec.String(), func(b *testing.B) { benchDecompress(b, codec, body, plain) })
	}
	stream := zstdStream(b, orders(b, CodecNone)[HeaderSize:])
	b.Run("zstd-stream", func(b *testing.B) { benchDecompress(b, CodecZstd, stream, plain) })
}

func benchDecompress(b *testing.B, codec Codec, body []byte, plain int) {
	d := NewDecoder(0)
	b.SetBytes(int64(plain))
	b.ReportAllocs()
	defer perRecord(b)()
	for b.Loop() {
		if out, err := d.decompress(codec, body); err != nil || len(out) != plain {
			b.Fatal(err)
		}
	}
}

// zstdStream makes a frame as the Java client does: it does not tell how long
// it is inside.
func zstdStream(t testing.TB, body []byte) []byte {
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, zstd.WithEncoderCRC(false))
	if err == nil {
		_, err = enc.Write(body)
	}
	if err == nil {
		err = errors.Join(enc.Flush(), enc.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkKeys decompresses and walks from key to key.
func BenchmarkKeys(b *testing.B) {
	benchDecoder(b, func(d *Decoder, batch []byte) (n int) {
		for k, err := range d.Keys(batch) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(k.Key)
		}
		return n
	})
}

func BenchmarkRecords(b *testing.B) {
	benchDecoder(b, func(d *Decoder, batch []byte) (n int) {
		for r, err := range d.Records(batch) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(r.Value)
		}
		return n
	})
}

func benchDecoder(b *testing.B, read func(*Decoder, []byte) int) {
	plain := len(orders(b, CodecNone))
	for _, codec := range allCodecs {
		batch := orders(b, codec)
		b.Run(codec.String(), func(b *testing.B) {
			d := NewDecoder(0)
			b.SetBytes(int64(plain))
			b.ReportAllocs()
			defer perRecord(b)()
			for b.Loop() {
				if read(d, batch) == 0 {
					b.Fatal("nothing")
				}
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	records := decodeAll(b, orders(b, CodecNone))
	for _, codec := range allCodecs {
		b.Run(codec.String(), func(b *testing.B) {
			var builder Builder
			b.ReportAllocs()
			defer perRecord(b)()
			for b.Loop() {
				builder.Reset(Options{Codec: codec})
				for _, r := range records {
					if err := builder.Append(r); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := builder.Finish(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// perRecord begins to measure processor time, which unlike the clock's does not
// count what others on the machine do; the returned function ends it.
func perRecord(b *testing.B) (done func()) {
	before := processor(b)
	return func() {
		b.ReportMetric(float64(processor(b)-before)/float64(b.N)/benchRecords, "cpu-ns/record")
	}
}

func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
