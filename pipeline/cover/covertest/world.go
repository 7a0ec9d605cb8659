// Package covertest makes small archives in memory for tests: two regions, real
// segments, and hands to forge, flip, cut, remove and swap what they hold.
package covertest

import (
	"bytes"
	"context"
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
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Partition is the one that tests write to unless they say otherwise.
var Partition = names.Partition{Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{9}, Branch: names.RootBranch}, Number: 3}

// Page is the key page of segments that name no other.
var Page = names.PageID{1}

// World is an archive with regions "a" and "b".
type World struct {
	T        testing.TB
	ID       names.ArchiveID
	Root     *signed.Signer
	Archiver *signed.Signer
	A, B     *Region

	slot uint16
}

// New makes an archive whose regions hold archive.json, the archiver's key and
// Page, and nothing else.
func New(t testing.TB) *World {
	w := &World{
		T: t, ID: names.ArchiveID{1, 2, 3},
		Root:     signed.NewSigner(signed.RoleRoot, Key("root")),
		Archiver: signed.NewSigner(signed.RoleArchive, Key("archiver")),
		A:        NewRegion("a"), B: NewRegion("b"),
	}
	for _, r := range []*Region{w.A, w.B} {
		r.Put(names.Archive, w.Seal(w.Root, signed.KindIdentity, signed.Identity{Archive: w.ID, Root: w.Root.Public(), Created: time.Unix(1, 0).UTC()}))
		r.Put(names.Signer(w.Archiver.ID()), w.Introduction(w.Archiver))
		r.AddPage(Page)
	}
	return w
}

// Key makes a private key from a word.
func Key(word string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(word))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Seal signs a document.
func (w *World) Seal(s *signed.Signer, kind string, doc any) []byte {
	w.T.Helper()
	file, err := s.Seal(kind, doc)
	w.must(err)
	return file
}

// Introduction is a signer's file, signed by the root.
func (w *World) Introduction(s *signed.Signer) []byte {
	return w.Seal(w.Root, signed.KindSigner, signed.Introduction{Archive: w.ID, Role: s.Role, Key: s.Public(), Created: time.Unix(1, 0).UTC()})
}

// Archive opens the archive as a stranger would: all it knows are the pins.
func (w *World) Archive() *cover.Archive { return w.ArchiveWith(cover.Options{}) }

// ArchiveWith is Archive with options.
func (w *World) ArchiveWith(o cover.Options) *cover.Archive {
	w.T.Helper()
	trust, err := signed.NewTrust(w.ID, w.Root.Public())
	w.must(err)
	a, err := cover.NewWith(trust, []cover.Region{
		{Name: w.A.Name, Objects: w.A, Secrets: w.A}, {Name: w.B.Name, Objects: w.B, Secrets: w.B},
	}, o)
	w.must(err)
	return a
}

// Regions are A and B.
func (w *World) Regions() []*Region { return []*Region{w.A, w.B} }

// Spec says what segment to make.
type Spec struct {
	Base, Next int64
	Prev       names.Digest
	Batches    [][]byte
	// Page is Page if zero, Partition the package's if it has no topic, Signer
	// the world's archiver if nil.
	Page      names.PageID
	Partition names.Partition
	Signer    *signed.Signer
	Options   segment.Options
	// Created is 2026-09-21 14:13:20 UTC if zero.
	Created, RetainUntil time.Time
}

// Segment makes a segment without storing it.
func (w *World) Segment(s Spec) *segment.Sealed {
	w.T.Helper()
	if s.Page == (names.PageID{}) {
		s.Page = Page
	}
	if s.Partition.Topic == "" {
		s.Partition = Partition
	}
	if s.Signer == nil {
		s.Signer = w.Archiver
	}
	if s.Created.IsZero() {
		s.Created = time.UnixMilli(1_790_000_000_000)
	}
	h := segment.Header{
		Archive: w.ID, Topic: s.Partition.Topic, Lineage: s.Partition.Lineage, Parent: names.RootBranch, Partition: s.Partition.Number,
		Base: s.Base, Page: s.Page, Slot: w.slot, Created: s.Created, RetainUntil: s.RetainUntil,
	}
	sw, err := segment.NewWriter(h, SecretOf(s.Page, w.slot), s.Options)
	w.must(err)
	w.slot++
	for _, b := range s.Batches {
		bh, err := recordbatch.ParseHeader(b)
		w.must(err)
		w.must(sw.Append(bh, b))
	}
	out, err := sw.Close(s.Next, s.Prev, s.Signer)
	w.must(err)
	return out
}

// Store makes a segment and puts it into the regions, both if none is given.
func (w *World) Store(s Spec, in ...*Region) *segment.Sealed {
	w.T.Helper()
	out := w.Segment(s)
	if len(in) == 0 {
		in = w.Regions()
	}
	for _, r := range in {
		r.Put(out.Name.String(), out.Data)
	}
	return out
}

// Row stores segments of ten records each, one batch of five records after the
// other, chained, in both regions: [from, from+10), and so on.
func (w *World) Row(from int64, count int) []*segment.Sealed {
	w.T.Helper()
	var out []*segment.Sealed
	var prev names.Digest
	for i := range int64(count) {
		base := from + 10*i
		s := w.Store(Spec{Base: base, Next: base + 10, Prev: prev, Batches: [][]byte{Batch(w.T, base, 5), Batch(w.T, base+5, 5)}})
		prev = s.Digest
		out = append(out, s)
	}
	return out
}

// Gap stores a signed gap in both regions.
func (w *World) Gap(base, next int64, prev names.Digest) (names.Range, names.Digest) {
	w.T.Helper()
	name, digest, file, err := cover.SealGap(w.Archiver, cover.Gap{
		Archive: w.ID, Partition: Partition, Base: base, Next: next, Reason: "retention", At: time.Unix(5, 0).UTC(), Prev: prev,
	})
	w.must(err)
	for _, r := range w.Regions() {
		r.Put(name.String(), file)
	}
	return name, digest
}

// HealPage copies a key page, as package heal wants it.
func (w *World) HealPage(ctx context.Context, from, to string, page names.PageID) error {
	source, target := w.A, w.B
	if from == w.B.Name {
		source, target = w.B, w.A
	}
	if _, err := source.Secret(ctx, page, 0); err != nil {
		return err
	}
	target.AddPage(page)
	return nil
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// SecretOf is the secret in a slot.
func SecretOf(page names.PageID, slot uint16) block.Secret {
	return block.Secret(sha256.Sum256(fmt.Appendf(nil, "%s/%d", page, slot)))
}

// Batch makes a batch of n records from an offset on.
func Batch(t testing.TB, base int64, n int) []byte {
	t.Helper()
	var offsets []int64
	for i := range int64(n) {
		offsets = append(offsets, base+i)
	}
	return BatchOf(t, base, base+int64(n), offsets)
}

// BatchOf makes a batch of the offsets [base, next) that holds only some of
// them, as compaction leaves it.
func BatchOf(t testing.TB, base, next int64, offsets []int64) []byte {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: base})
	for _, o := range offsets {
		if err := b.Append(Record(o)); err != nil {
			t.Fatal(err)
		}
	}
	b.EndAt(next - 1)
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(out)
}

// Record is the record that every batch here holds at an offset.
func Record(offset int64) recordbatch.Record {
	return recordbatch.Record{
		Offset: offset, Timestamp: 1_790_000_000_000 + offset,
		Key: fmt.Appendf(nil, "order-%d", offset%7), Value: fmt.Appendf(nil, "value of offset %d", offset),
	}
}
