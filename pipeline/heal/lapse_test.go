package heal_test

import (
	"context"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// What a page says to be held by a roll-up in both regions is not copied back
// to where it has lapsed; what it does not name is.
func TestLapsedStaysAway(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 3)
	roll := w.Store(covertest.Spec{Base: 0, Next: 30, Batches: [][]byte{covertest.Batch(t, 0, 30)}})
	entry := catalogue.Segment{Base: 0, Next: 30, Digest: roll.Digest, Created: roll.Header.Created, RetainUntil: roll.Header.Created}
	entry.Hold(row[0].Name, row[0].Digest)
	p := covertest.Partition
	name, file, err := catalogue.Seal(w.Archiver, &catalogue.Page{
		Archive: w.ID, Topic: p.Topic, Lineage: p.Lineage, Partition: p.Number, Base: 0, Next: 30,
		From: time.Unix(0, 0).UTC(), To: time.Unix(1, 0).UTC(), Segments: []catalogue.Segment{entry},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.A.Put(name.String(), file)
	w.B.Put(name.String(), file)
	w.A.Remove(row[0].Name.String())
	w.A.Remove(row[1].Name.String())
	if next, _, err := healer(w).Tail(context.Background(), p, "a", 0); err != nil || next != 30 {
		t.Errorf("tail %d, %v", next, err)
	}
	if w.A.Object(row[0].Name.String()) != nil || w.A.Object(row[1].Name.String()) == nil {
		t.Error("the tail's healing copied what has lapsed, or not what is lacking")
	}
	w.A.Remove(row[1].Name.String())
	if r := run(t, w); r.Objects != 1 || len(r.Findings) != 0 {
		t.Errorf("%+v", r)
	}
	if w.A.Object(row[0].Name.String()) != nil || w.A.Object(row[1].Name.String()) == nil {
		t.Error("heal copied what has lapsed, or not what is lacking")
	}
	// With the roll-up in one region only, it is needed again.
	w.B.Remove(roll.Name.String())
	if r := run(t, w); r.Objects != 2 {
		t.Errorf("%d objects copied, want roll-up and segment", r.Objects)
	}
}
