package find_test

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/find"
)

// BenchmarkKeys looks for a key that is nowhere, in 100 segments of 4 blocks of
// 500 records, with a warm index: what filters cost that cover keys alone.
func BenchmarkKeys(b *testing.B) {
	w, x := covertest.New(b), newMemory()
	var builder recordbatch.Builder
	for base := int64(0); base < 200_000; base += 2000 {
		s := covertest.Spec{Base: base, Next: base + 2000, Options: segment.Options{BlockSize: 1, Filter: true}}
		for from := base; from < base+2000; from += 500 {
			builder.Reset(recordbatch.Options{BaseOffset: from})
			for o := from; o < from+500; o++ {
				if err := builder.Append(recordbatch.Record{Offset: o, Timestamp: 1, Key: []byte(own(o)), Value: []byte("v")}); err != nil {
					b.Fatal(err)
				}
			}
			batch, err := builder.Finish()
			if err != nil {
				b.Fatal(err)
			}
			s.Batches = append(s.Batches, bytes.Clone(batch))
		}
		w.Store(s)
	}
	a := w.Archive()
	look := func(key string) {
		for hit, err := range find.Find(b.Context(), a, "orders", [][]byte{[]byte(key)}, find.Options{Index: x}) {
			b.Fatalf("%+v, %v", hit, err)
		}
	}
	look("nowhere")
	b.ReportAllocs()
	n, before := 0, processor(b)
	for b.Loop() {
		n++
		look(fmt.Sprintf("nowhere-%d", n))
	}
	b.ReportMetric(float64(processor(b)-before)/float64(b.N)/400/1000, "cpu-µs/filter")
}

func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
