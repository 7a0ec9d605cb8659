package cover_test

import (
	"context"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// rolledWorld is three small segments, and a roll-up of the first two with its
// page.
func rolledWorld(t *testing.T) (w *covertest.World, row []*segment.Sealed, roll *segment.Sealed, page string) {
	t.Helper()
	w = covertest.New(t)
	row = w.Row(0, 3)
	roll = w.Store(covertest.Spec{Base: 0, Next: 20, Batches: [][]byte{covertest.Batch(t, 0, 5), covertest.Batch(t, 5, 5), covertest.Batch(t, 10, 5), covertest.Batch(t, 15, 5)}})
	entry := catalogue.Segment{Base: 0, Next: 20, Digest: roll.Digest, Created: roll.Header.Created, RetainUntil: roll.Header.Created}
	entry.Hold(row[0].Name, row[0].Digest)
	entry.Hold(row[1].Name, row[1].Digest)
	p := covertest.Partition
	name, file, err := catalogue.Seal(w.Archiver, &catalogue.Page{
		Archive: w.ID, Topic: p.Topic, Lineage: p.Lineage, Partition: p.Number, Base: 0, Next: 20,
		From: time.Unix(0, 0).UTC(), To: time.Unix(1, 0).UTC(), Segments: []catalogue.Segment{entry},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.Regions() {
		r.Put(name.String(), file)
	}
	return w, row, roll, name.String()
}

// A tail does not wait for what has lapsed, and nothing is asked for while names
// leave no room for it.
func TestTailsWithLapsed(t *testing.T) {
	w, row, _, _ := rolledWorld(t)
	gets := w.A.Calls("get")
	if tails, err := w.Archive().Tails(context.Background(), covertest.Partition); err != nil || tails.Next != 30 {
		t.Fatal(tails, err)
	}
	if n := w.A.Calls("get") - gets; n > 2 { // archive.json and the signer
		t.Errorf("%d objects fetched although nothing lapsed", n)
	}
	w.A.Remove(row[0].Name.String())
	w.B.Remove(row[2].Name.String())
	tails, err := w.Archive().Tails(context.Background(), covertest.Partition)
	if err != nil || len(tails.Region("a").Lacks) != 0 || len(tails.Region("b").Lacks) != 1 || tails.Region("a").Next != 30 || tails.Region("b").Next != 20 {
		t.Errorf("%+v, %v", tails, err)
	}
}

// While a region does not answer, nothing counts as lapsed.
func TestLapsedWhileDown(t *testing.T) {
	w, row, _, _ := rolledWorld(t)
	w.A.Remove(row[0].Name.String())
	a := w.Archive()
	lapsed := func() int {
		m, err := a.Map(context.Background(), covertest.Partition)
		if err != nil {
			t.Fatal(err)
		}
		found, err := a.Lapsed(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := lapsed(); n != 1 {
		t.Errorf("%d lapsed, want 1", n)
	}
	w.B.Down()
	if n := lapsed(); n != 0 {
		t.Errorf("%d lapsed while a region is down", n)
	}
}

// Partitions are found beside a catalogue, and its pages are files that are
// verified where they lie.
func TestCatalogueBesidePartitions(t *testing.T) {
	w, _, _, page := rolledWorld(t)
	other := covertest.Partition
	other.Number = 11
	w.Store(covertest.Spec{Base: 0, Next: 10, Partition: other, Batches: [][]byte{covertest.Batch(t, 0, 10)}})
	for n := range 50 {
		name := names.CataloguePage{Partition: covertest.Partition, Base: int64(n), Next: int64(n) + 1}
		w.A.Put(name.String(), []byte("x"))
	}
	a := w.Archive()
	seen, err := a.List(context.Background(), "orders")
	if err != nil || len(seen.Partitions) != 2 || len(seen.Unknown) != 0 {
		t.Fatalf("%+v, %v", seen, err)
	}
	if n := w.A.Calls("list"); n > 4 {
		t.Errorf("%d listings: pages are stepped over", n)
	}
	files, _, err := a.Files(context.Background(), seen.Partitions)
	if err != nil || len(files) != 2+51 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if _, err := a.ReadFile(context.Background(), "a", page); err != nil {
		t.Error(err)
	}
	bad := names.CataloguePage{Partition: covertest.Partition, Base: 7, Next: 8}.String()
	if _, err := a.ReadFile(context.Background(), "a", bad); err == nil {
		t.Error("a page that nobody signed passes")
	}
	pages, err := a.Pages(context.Background(), covertest.Partition, cover.Offsets{Base: 0, Next: 100})
	if err != nil || len(pages) != 1 {
		t.Errorf("%d pages, %v", len(pages), err)
	}
}
