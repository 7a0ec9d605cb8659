package segment_test

import (
	"bytes"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// A streamed segment is one like any other: what a Writer would have made of
// the same batches, but for nonces.
func TestStream(t *testing.T) {
	for _, o := range []segment.Options{
		{BlockSize: 700}, {BlockSize: 700, Filter: true}, {BlockSize: 900, Filter: true, Compression: block.Zstd}, {Filter: true},
	} {
		batches := row(t, recordbatch.CodecNone, 40, 7)
		_, signer := newTrust(t, testHeader().Archive)
		var out bytes.Buffer
		s, err := segment.NewStream(&out, testHeader(), secret, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches {
			if err := s.Append(headerOf(t, b), b); err != nil {
				t.Fatal(err)
			}
		}
		sealed, err := s.Close(s.Next()+3, names.Digest{4}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if got := crc32.Checksum(out.Bytes(), crc32.MakeTable(crc32.Castagnoli)); got != sealed.CRC32C {
			t.Errorf("CRC-32C %08x, the stream says %08x", got, sealed.CRC32C)
		}
		r := open(t, out.Bytes())
		if r.Name() != sealed.Name || r.Digest() != sealed.Digest || r.Footer().Prev != (names.Digest{4}) || r.Footer().Next != sealed.Name.Next {
			t.Errorf("%s, the stream says %s", r.Name(), sealed.Name)
		}
		if want := bytes.Join(batches, nil); !bytes.Equal(bodies(t, r), want) {
			t.Error("the batches came back differently")
		}
		if n := len(r.Footer().Blocks); o.BlockSize > 0 && n < 5 {
			t.Errorf("%d blocks", n)
		}
		for n := range r.Footer().Blocks {
			if err := r.Check(n); err != nil {
				t.Error(err)
			}
		}
		if o.Filter {
			checkFilters(t, r)
		}
	}
}

// full takes so many bytes and then no more.
type full struct{ room int }

var errFull = errors.New("no space")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return 0, errFull
	}
	f.room -= len(b)
	return len(b), nil
}

func TestStreamFull(t *testing.T) {
	batches := row(t, recordbatch.CodecNone, 10, 7)
	_, signer := newTrust(t, testHeader().Archive)
	for room := range 6_000 {
		if room%500 != 0 {
			continue
		}
		s, err := segment.NewStream(&full{room}, testHeader(), secret, segment.Options{BlockSize: 700, Filter: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches {
			if err = s.Append(headerOf(t, b), b); err != nil {
				break
			}
		}
		if err == nil {
			_, err = s.Close(s.Next(), names.Digest{}, signer)
		}
		if !errors.Is(err, errFull) {
			t.Errorf("%d bytes of room: %v", room, err)
		}
		s.Discard()
	}
}
