package segment_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// orders makes batches of 150 events of 237 bytes with distinct 14-byte keys,
// about size bytes in all.
func orders(b *testing.B, codec recordbatch.Codec, size int) (batches [][]byte, headers []recordbatch.Header, events int) {
	b.Helper()
	var builder recordbatch.Builder
	offset := int64(100)
	for total := 0; total < size; {
		builder.Reset(recordbatch.Options{BaseOffset: offset, Codec: codec})
		for range 150 {
			value := fmt.Appendf(nil, `{"order_id":"%014d","customer":"customer-%06d","state":"paid","items":[{"sku":"SKU-%05d","quantity":%d,"price_cents":%d}],"currency":"EUR","created":"2026-11-21T10:%02d:%02d.%03dZ","note":"leave at the door, ring twice"}`,
				offset, offset*7919%1_000_000, offset*31%100_000, offset%9, offset*37%99_999, offset%60, offset%59, offset%1000)
			if err := builder.Append(recordbatch.Record{Offset: offset, Timestamp: 1_790_000_000_000 + offset, Key: fmt.Appendf(nil, "%014d", offset), Value: value}); err != nil {
				b.Fatal(err)
			}
			offset++
		}
		batch, err := builder.Finish()
		if err != nil {
			b.Fatal(err)
		}
		batches, headers = append(batches, bytes.Clone(batch)), append(headers, headerOf(b, batch))
		total += len(batch)
		events += 150
	}
	return batches, headers, events
}

// BenchmarkWriter writes segments of 16 MiB.
func BenchmarkWriter(b *testing.B) {
	for _, codec := range []recordbatch.Codec{recordbatch.CodecZstd, recordbatch.CodecNone} {
		for _, kind := range []block.Compression{block.None, block.S2, block.Zstd} {
			if codec != recordbatch.CodecNone && kind != block.Zstd {
				continue
			}
			for _, filter := range []bool{false, true} {
				b.Run(fmt.Sprintf("from=%v/to=%v/filter=%t", codec, kind, filter), func(b *testing.B) {
					benchWriter(b, codec, segment.Options{Compression: kind, Filter: filter, Pool: segment.NewPool()})
				})
			}
		}
	}
}

func benchWriter(b *testing.B, codec recordbatch.Codec, o segment.Options) {
	batches, headers, events := orders(b, codec, 16<<20)
	_, archiver := newTrust(b, archiveID)
	var size int64
	for i := range batches {
		size += int64(len(batches[i]))
	}
	o.Buffer = make([]byte, 0, size+1<<20)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		w, err := segment.NewWriter(testHeader(), secret, o)
		if err != nil {
			b.Fatal(err)
		}
		for i := range batches {
			if err := w.Append(headers[i], batches[i]); err != nil {
				b.Fatal(err)
			}
		}
		s, err := w.Close(w.Next(), names.Digest{}, archiver)
		if err != nil {
			b.Fatal(err)
		}
		o.Buffer = s.Data
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
	b.ReportMetric(float64(len(batches)), "batches/op")
}

// BenchmarkReader opens a segment of 16 MiB and all its blocks.
func BenchmarkReader(b *testing.B) {
	batches, _, events := orders(b, recordbatch.CodecNone, 16<<20)
	s := write(b, testHeader(), segment.Options{Compression: block.Zstd}, batches...)
	trust, _ := newTrust(b, archiveID)
	b.SetBytes(int64(s.Footer.Plain))
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		r, err := segment.Open(bytes.NewReader(s.Data), int64(len(s.Data)), trust)
		if err != nil {
			b.Fatal(err)
		}
		for i := range r.Footer().Blocks {
			if buf, err = r.Block(i, secret, buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}
