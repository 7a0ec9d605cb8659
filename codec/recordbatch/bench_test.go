package recordbatch

import (
	"fmt"
	"testing"
)

const benchRecords = 1000

// orders is a batch as the load generator makes them: about 250 bytes a record,
// which compress three to five times.
func orders(t testing.TB, codec Codec) []byte {
	t.Helper()
	var records []Record
	for i := range benchRecords {
		records = append(records, Record{
			Offset: int64(i), Timestamp: 1_790_000_000_000 + int64(i), Key: fmt.Appendf(nil, "order-%08d", i*7919%100_000),
			Value: fmt.Appendf(nil, `{"op":"u","ts_ms":%d,"after":{"id":%d,"customer":%d,"status":"PAID","total":%d.%02d,`+
				`"currency":"EUR","lines":[{"sku":"A-%d","qty":%d},{"sku":"B-%d","qty":1}],"note":"leave at the door"}}`,
				1_790_000_000_000+i, i, i*31%9973, i%500, i%100, i*17%4001, i%9, i*13%4001),
			Headers: []RecordHeader{{Key: []byte("trace"), Value: fmt.Appendf(nil, "%016x", i*2654435761)}},
		})
	}
	return build(t, Options{Codec: codec}, records)
}

func BenchmarkNext(b *testing.B) {
	for _, codec := range []Codec{CodecNone, CodecZstd} {
		batch := orders(b, codec)
		b.Run(codec.String(), func(b *testing.B) {
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, err := Next(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

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
	for _, codec := range allCodecs {
		batch := orders(b, codec)
		b.Run(codec.String(), func(b *testing.B) {
			d := NewDecoder(0)
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			for b.Loop() {
				if read(d, batch) == 0 {
					b.Fatal("nothing")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRecords, "ns/record")
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	records := decodeAll(b, orders(b, CodecNone))
	for _, codec := range allCodecs {
		b.Run(codec.String(), func(b *testing.B) {
			var builder Builder
			b.ReportAllocs()
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
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRecords, "ns/record")
		})
	}
}
