package objects_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

// BenchmarkPut stores segments of 16 MiB, and deletes each so that neither
// disk nor memory fills up.
func BenchmarkPut(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	b.Run("dir", func(b *testing.B) { benchmarkPut(b, openDir(b, b.TempDir()), body) })
	b.Run("s3", func(b *testing.B) {
		benchmarkPut(b, objectstest.NewS3(b, objectstest.S3Options{}).Open(b), body)
	})
}

func benchmarkPut(b *testing.B, s objects.Store, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprintf("%020d.seg", i)
		if err := s.Put(b.Context(), key, body, objects.PutOptions{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		for v, err := range s.Versions(b.Context(), key) {
			if err != nil {
				b.Fatal(err)
			}
			if err := s.DeleteVersion(b.Context(), key, v.Version); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
}

func BenchmarkCacheReadAt(b *testing.B) {
	m := objects.NewMemory(objects.MemoryOptions{})
	mustPut(b, m, "a.seg", string(make([]byte, 1<<20)), objects.PutOptions{})
	s := objects.Cache(m, objects.CacheOptions{Bytes: 64 << 20})
	p := make([]byte, 256<<10)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		if _, err := s.ReadAt(b.Context(), "a.seg", p, 4096); err != nil {
			b.Fatal(err)
		}
	}
}
