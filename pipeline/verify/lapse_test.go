package verify_test

import (
	"context"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/verify"
)

// A segment that one region has let lapse is noted and is no finding, and the
// regions count as equal: but only for as long as both have the roll-up, and a
// genuine page says what it holds.
func TestLapsed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		harm  func(w *covertest.World, roll, page string)
		equal bool
	}{
		{"lapsed", func(*covertest.World, string, string) {}, true},
		{"no page", func(w *covertest.World, _, page string) { w.A.Remove(page); w.B.Remove(page) }, false},
		{"forged page", func(w *covertest.World, _, page string) { w.A.Flip(page, 40); w.B.Flip(page, 40) }, false},
		{"roll-up in one region", func(w *covertest.World, roll, _ string) { w.B.Remove(roll) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := covertest.New(t)
			row := w.Row(0, 3)
			roll := w.Store(covertest.Spec{Base: 0, Next: 20, Batches: [][]byte{covertest.Batch(t, 0, 20)}})
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
			w.A.Put(name.String(), file)
			w.B.Put(name.String(), file)
			w.A.Remove(row[0].Name.String())
			tt.harm(w, roll.Name.String(), name.String())
			report, err := verify.Run(context.Background(), w.Archive(), verify.Options{})
			if err != nil || report.RegionsEqual != tt.equal || report.OK() != tt.equal {
				t.Errorf("equal %v, %v, %v", report.RegionsEqual, report.Findings, err)
			}
			noted := 0
			for _, n := range report.Notes {
				if n.Kind == cover.KindLapsed {
					noted++
				}
			}
			if (noted == 1) != tt.equal {
				t.Errorf("%d notes", noted)
			}
		})
	}
	// What the page does not say to hold is absent, whatever covers it.
	w := covertest.New(t)
	row := w.Row(0, 3)
	w.Store(covertest.Spec{Base: 0, Next: 30, Batches: [][]byte{covertest.Batch(t, 0, 30)}})
	w.A.Remove(row[1].Name.String())
	report, err := verify.Run(context.Background(), w.Archive(), verify.Options{})
	if err != nil || len(report.Findings) != 1 || report.Findings[0].Kind != cover.KindAbsent {
		t.Errorf("%v, %v", report.Findings, err)
	}
}
