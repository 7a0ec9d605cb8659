package segment_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Batches that are lent, whole answers or single ones, in one slice or in many,
// make the segment that copied ones make. The lender's memory is his again
// after Settle.
func TestLentBatchesAreTheSame(t *testing.T) {
	batches := rowOf(t, 40)
	for _, answer := range []int{1, 3, 8, 40} {
		for _, apart := range []bool{false, true} {
			for _, compression := range []block.Compression{block.None, block.Zstd} {
				t.Run(fmt.Sprintf("%d apart=%t %v", answer, apart, compression), func(t *testing.T) {
					o := segment.Options{BlockSize: 4 << 10, Compression: compression, Filter: true}
					testLent(t, batches, answer, apart, o)
				})
			}
		}
	}
}

func testLent(t *testing.T, batches [][]byte, answer int, apart bool, o segment.Options) {
	trust, signer := newTrust(t, archiveID)
	w, err := segment.NewWriter(testHeader(), secret, o)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(batches, answer) {
		lent := bytes.Join(part, nil)
		rest := lent
		for _, b := range part {
			one := rest[:len(b)]
			if apart {
				one = bytes.Clone(b)
			}
			if err := w.Lend(headerOf(t, b), one); err != nil {
				t.Fatal(err)
			}
			rest = rest[len(b):]
		}
		w.Settle()
		clear(lent)
	}
	s, err := w.Close(w.Next(), names.Digest{}, signer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := segment.Open(bytes.NewReader(s.Data), int64(len(s.Data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for i, info := range r.Footer().Blocks {
		body, err := r.Block(i, secret, nil)
		if err != nil {
			t.Fatal(err)
		}
		if info.Plain > 2*4<<10 {
			t.Errorf("block %d has %d bytes", i, info.Plain)
		}
		got = append(got, body...)
	}
	if !bytes.Equal(got, bytes.Join(batches, nil)) {
		t.Error("the segment holds something else")
	}
}

// rowOf makes n batches of some 600 bytes from the test header's base on.
func rowOf(t testing.TB, n int) (batches [][]byte) {
	t.Helper()
	var builder recordbatch.Builder
	offset := testHeader().Base
	for range n {
		builder.Reset(recordbatch.Options{BaseOffset: offset})
		for range 5 {
			value := bytes.Repeat(fmt.Append(nil, offset, " "), 20)
			if err := builder.Append(recordbatch.Record{Offset: offset, Timestamp: 1_790_000_000_000, Key: fmt.Append(nil, offset), Value: value}); err != nil {
				t.Fatal(err)
			}
			offset++
		}
		batch, err := builder.Finish()
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, bytes.Clone(batch))
	}
	return batches
}

// A segment costs a few allocations and each of its blocks a few more; a batch
// and its records cost none.
func TestBatchesAllocateNothing(t *testing.T) {
	batches := rowOf(t, 400)
	all := bytes.Join(batches, nil)
	headers := make([]recordbatch.Header, len(batches))
	for i := range batches {
		headers[i] = headerOf(t, batches[i])
	}
	_, signer := newTrust(t, archiveID)
	o := segment.Options{Pool: segment.NewPool(), Buffer: make([]byte, 0, len(all)+1<<20), BlockSize: 64 << 10}
	blocks := 0
	write := func(lend bool) {
		w, err := segment.NewWriter(testHeader(), secret, o)
		if err != nil {
			t.Fatal(err)
		}
		rest := all
		for i := range headers {
			add := w.Append
			if lend {
				add = w.Lend
			}
			if err := add(headers[i], rest[:headers[i].Size()]); err != nil {
				t.Fatal(err)
			}
			rest = rest[headers[i].Size():]
		}
		s, err := w.Close(w.Next(), names.Digest{}, signer)
		if err != nil {
			t.Fatal(err)
		}
		blocks = len(s.Footer.Blocks)
	}
	for _, lend := range []bool{false, true} {
		got := testing.AllocsPerRun(20, func() { write(lend) })
		if most := float64(160 + 40*blocks); got > most {
			t.Errorf("lend %t: %.0f allocations for %d batches in %d blocks, want at most %.0f", lend, got, len(batches), blocks, most)
		}
	}
}
