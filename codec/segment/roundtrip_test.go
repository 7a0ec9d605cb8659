package segment_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// TestRoundTrip writes and reads every combination of what producers and
// tidemark may compress, in one block and in many.
func TestRoundTrip(t *testing.T) {
	for _, codec := range []recordbatch.Codec{recordbatch.CodecNone, recordbatch.CodecZstd} {
		for _, kind := range []block.Compression{block.None, block.Zstd, block.S2} {
			for _, size := range []int{1, 4000, 0} {
				t.Run(fmt.Sprintf("%v/%v/%d", codec, kind, size), func(t *testing.T) {
					roundTrip(t, codec, segment.Options{BlockSize: size, Compression: kind, Filter: true})
				})
			}
		}
	}
}

func roundTrip(t *testing.T, codec recordbatch.Codec, o segment.Options) {
	batches := row(t, codec, 12, 20)
	s := write(t, testHeader(), o, batches...)
	r := open(t, s.Data)
	if got, want := bodies(t, r), bytes.Join(batches, nil); !bytes.Equal(got, want) {
		t.Fatalf("body of %d bytes is not the %d that went in", len(got), len(want))
	}
	if r.Header() != testHeader() {
		t.Errorf("header is %+v", r.Header())
	}
	if r.Name() != s.Name || r.Digest() != s.Digest || r.CheckName(s.Name.String()) != nil {
		t.Errorf("name %v, written as %v", r.Name(), s.Name)
	}
	if _, err := names.ParseRange(s.Name.String()); err != nil {
		t.Error(err)
	}
	crc := crc32.Checksum(s.Data, crc32.MakeTable(crc32.Castagnoli))
	if s.CRC32C != crc || r.CRC32C() != crc {
		t.Errorf("CRC-32C is %08x; writer says %08x, reader %08x", crc, s.CRC32C, r.CRC32C())
	}
	if f := r.Footer(); f.Records != 240 || f.Batches != 12 || f.Next != 340 {
		t.Errorf("footer has %d records in %d batches up to %d", f.Records, f.Batches, f.Next)
	}
	checkFilters(t, r)
}

// checkFilters looks up every key of every block in the block's filter.
func checkFilters(t *testing.T, r *segment.Reader) {
	t.Helper()
	d := recordbatch.NewDecoder(0)
	for i := range r.Footer().Blocks {
		f, err := r.Filter(i, secret)
		if err != nil || f == nil {
			t.Fatalf("filter of block %d: %v", i, err)
		}
		body, err := r.Block(i, secret, nil)
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range recordbatch.All(body) {
			if err != nil {
				t.Fatal(err)
			}
			for k := range d.Keys(b.Bytes) {
				if !f.Contains(k.Key) {
					t.Fatalf("filter of block %d lacks %q", i, k.Key)
				}
			}
		}
	}
}
