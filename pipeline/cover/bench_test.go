package cover_test

import (
	"context"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// BenchmarkRead reads 16 segments of some MiB as a restore does, batch by batch
// without decoding.
func BenchmarkRead(b *testing.B) {
	w := covertest.New(b)
	var next, size int64
	for range 16 {
		s := covertest.Spec{Base: next, Options: segment.Options{Compression: block.None}}
		for range 100 {
			s.Batches = append(s.Batches, covertest.Batch(b, next, 1000))
			next += 1000
		}
		s.Next = next
		size += int64(len(w.Store(s, w.A).Data))
	}
	a := w.Archive()
	b.SetBytes(size)
	b.ResetTimer()
	for range b.N {
		at := int64(0)
		for piece, err := range a.Read(context.Background(), covertest.Partition, cover.ReadOptions{}) {
			if err != nil {
				b.Fatal(err)
			}
			at = piece.Next()
		}
		if at != next {
			b.Fatalf("read up to %d, want %d", at, next)
		}
	}
}
