package segment_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// TestConcurrently lets many writers share a pool and many readers a segment;
// the race detector watches.
func TestConcurrently(t *testing.T) {
	pool := segment.NewPool()
	_, archiver := newTrust(t, archiveID)
	batches := row(t, recordbatch.CodecNone, 20, 20)
	var wg sync.WaitGroup
	for range 8 {
		w, err := segment.NewWriter(testHeader(), secret, segment.Options{BlockSize: 3000, Compression: block.Zstd, Filter: true, Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for _, b := range batches {
				if err := w.Append(headerOf(t, b), b); err != nil {
					t.Error(err)
				}
			}
			s, err := w.Close(w.Next(), names.Digest{}, archiver)
			if err != nil {
				t.Error(err)
				return
			}
			r := open(t, s.Data)
			var readers sync.WaitGroup
			for range 4 {
				readers.Go(func() {
					if got := bodies(t, r); !bytes.Equal(got, bytes.Join(batches, nil)) {
						t.Error("other bytes")
					}
				})
			}
			readers.Wait()
		})
	}
	wg.Wait()
}
