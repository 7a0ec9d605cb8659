package segment_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

var (
	archiveID = names.ArchiveID{1, 2, 3}
	secret    = block.Secret(sha256.Sum256([]byte("secret of the tests")))
)

// keyOf makes a private key from a name.
func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// newTrust returns the trust of an archive, and an archiver its root introduced.
func newTrust(t testing.TB, archive names.ArchiveID) (*signed.Trust, *signed.Signer) {
	t.Helper()
	root := signed.NewSigner(signed.RoleRoot, keyOf("root"+archive.String()))
	archiver := signed.NewSigner(signed.RoleArchive, keyOf("archiver"+archive.String()))
	trust, err := signed.NewTrust(archive, root.Public())
	if err != nil {
		t.Fatal(err)
	}
	file, err := root.Seal(signed.KindSigner, signed.Introduction{
		Archive: archive, Role: signed.RoleArchive, Key: archiver.Public(), Created: time.Unix(1, 0).UTC(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Introduce(file); err != nil {
		t.Fatal(err)
	}
	return trust, archiver
}

func testHeader() segment.Header {
	return segment.Header{
		Archive:     archiveID,
		Topic:       "orders",
		Lineage:     names.Lineage{Topic: names.TopicID{9, 8, 7}, Branch: names.RootBranch},
		Parent:      names.RootBranch,
		Partition:   3,
		Base:        100,
		Page:        names.PageID{5},
		Slot:        7,
		Writer:      [16]byte{6},
		Created:     time.UnixMilli(1_790_000_000_123).UTC(),
		RetainUntil: time.UnixMilli(1_790_600_000_000).UTC(),
	}
}

// batchOf builds a batch of n records from an offset on. Keys repeat after 50
// offsets; every tenth is null.
func batchOf(t testing.TB, o recordbatch.Options, n int) []byte {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(o)
	for i := range int64(n) {
		offset := o.BaseOffset + i
		key := fmt.Appendf(nil, "order-%d", offset%50)
		if offset%10 == 9 {
			key = nil
		}
		rec := recordbatch.Record{
			Offset: offset, Timestamp: 1_790_000_000_000 + offset, Key: key,
			Value: fmt.Appendf(nil, `{"order":%d,"state":"paid","amount":%d,"currency":"EUR"}`, offset, offset*17),
		}
		if err := b.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(out)
}

func headerOf(t testing.TB, batch []byte) recordbatch.Header {
	t.Helper()
	h, err := recordbatch.ParseHeader(batch)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// write makes a segment of batches that ends where the last one does.
func write(t testing.TB, h segment.Header, o segment.Options, batches ...[]byte) *segment.Sealed {
	t.Helper()
	_, archiver := newTrust(t, h.Archive)
	w, err := segment.NewWriter(h, secret, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Append(headerOf(t, b), b); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.Close(max(w.Next(), h.Base+1), names.Digest{}, archiver)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, data []byte) *segment.Reader {
	t.Helper()
	trust, _ := newTrust(t, archiveID)
	r, err := segment.Open(bytes.NewReader(data), int64(len(data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bodies returns all blocks in one.
func bodies(t testing.TB, r *segment.Reader) []byte {
	t.Helper()
	var all, buf []byte
	for i := range r.Footer().Blocks {
		b, err := r.Block(i, secret, buf)
		if err != nil {
			t.Fatal(err)
		}
		all, buf = append(all, b...), b
	}
	return all
}

// row makes count batches of n records each, from offset 100 on.
func row(t testing.TB, codec recordbatch.Codec, count, n int) [][]byte {
	t.Helper()
	var batches [][]byte
	for i := range count {
		batches = append(batches, batchOf(t, recordbatch.Options{BaseOffset: int64(100 + i*n), Codec: codec}, n))
	}
	return batches
}
