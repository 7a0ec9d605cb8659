package rollup_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/heal"
	"github.com/tidemark-io/tidemark/pipeline/rollup"
	"github.com/tidemark-io/tidemark/pipeline/verify"
)

// Two days of which one is over become one segment and what is left.
func TestRollUp(t *testing.T) {
	w := newWorld(t)
	row := w.row(0, 30, midnight, time.Hour) // 24 in the first day
	w.now = midnight.Add(8 * day)            // the first day ended 7 days ago
	report := w.mustRun(rollup.Request{})
	if report.Rolled != 1 || report.Segments != 24 || report.Records != 240 || len(report.Findings) != 0 {
		t.Errorf("%+v", report)
	}
	if got := len(segments(w.A)); got != 31 {
		t.Errorf("%d segments, want the small ones beside the roll-up", got)
	}
	w.wantRecords(300)
	w.wantSame()
	o := w.rolled(0, 240)
	h := o.Segment.Header()
	if newest := midnight.Add(23 * time.Hour); !h.Created.Equal(newest) || !h.RetainUntil.Equal(newest.Add(retain)) {
		t.Errorf("created %s, kept until %s", h.Created, h.RetainUntil)
	}
	for n, b := range o.Segment.Footer().Blocks {
		if b.Filter.Length == 0 {
			t.Errorf("block %d has no key filter", n)
		}
	}
	page := w.page(0)
	if s := page.Segments[0]; s.Held() != 24 || !s.Has(row[0].Name) || s.Has(row[24].Name) || s.Ends != row[23].Digest || s.Digest != o.Digest {
		t.Errorf("the page says %+v", s)
	}
	if report = w.mustRun(rollup.Request{}); report.Rolled+report.Found != 0 {
		t.Errorf("a second run rolled up %d", report.Rolled+report.Found)
	}
}

// rolled verifies the roll-up of a range in both regions.
func (w *world) rolled(base, next int64) (o *cover.Object) {
	w.T.Helper()
	for _, r := range w.Regions() {
		for _, k := range r.Keys() {
			name, err := names.ParseRange(k)
			if err != nil || name.Base != base || name.Next != next {
				continue
			}
			if o, err = w.Archive().Verify(context.Background(), r.Name, name); err != nil {
				w.T.Fatal(err)
			}
		}
	}
	if o == nil {
		w.T.Fatalf("no roll-up of [%d, %d)", base, next)
	}
	return o
}

// page reads the catalogue page that tells of an offset.
func (w *world) page(offset int64) *catalogue.Page {
	w.T.Helper()
	found, err := w.Archive().Pages(context.Background(), covertest.Partition, cover.Offsets{Base: offset, Next: offset + 1})
	if err != nil || len(found) != 1 {
		w.T.Fatalf("%d pages, %v", len(found), err)
	}
	return found[0].Page
}

// After the lapse the archive is complete, its regions are equal, and heal
// leaves it alone.
func (w *world) wantWhole(next int64) {
	w.T.Helper()
	w.wantRecords(next)
	report, err := verify.Run(context.Background(), w.Archive(), verify.Options{Deep: true})
	if err != nil || !report.OK() || !report.RegionsEqual {
		w.T.Errorf("verify: %v, equal %v, %v", report.Findings, report.RegionsEqual, err)
	}
	healed, err := heal.New(w.Archive(), heal.Targets{Stores: map[string]heal.Store{"a": w.A, "b": w.B}, Keys: w.World}).Run(context.Background(), heal.Options{})
	if err != nil || healed.Objects != 0 || len(healed.Findings) != 0 {
		w.T.Errorf("heal: %+v, %v", healed, err)
	}
}

func TestLapse(t *testing.T) {
	w := newWorld(t)
	w.row(0, 48, midnight, time.Hour)
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 2 || report.Lapsed != 48 || report.Locked != 0 {
		t.Errorf("%+v", report)
	}
	want(t, "segments", segments(w.A), "[0, 240)", "[240, 480)")
	w.wantSame()
	w.wantWhole(480)
	if first, second := w.rolled(0, 240), w.rolled(240, 480); second.Prev != first.Digest {
		t.Error("the second roll-up does not name the first")
	}
	tails, err := w.Archive().Tails(context.Background(), covertest.Partition)
	if err != nil || tails.Next != 480 || tails.Region("b").Next != 480 || len(tails.Region("a").Lacks) != 0 {
		t.Errorf("tails %+v, %v", tails, err)
	}
}

// The size and the count of a roll-up are bounded, in the same way for all.
func TestSizes(t *testing.T) {
	w := newWorld(t)
	row := w.row(0, 24, midnight, time.Hour)
	r := w.roller(rollup.Options{Size: 5 * int64(len(row[23].Data))})
	p, err := r.Plan(context.Background(), rollup.Request{})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, win := range p.Windows {
		for _, roll := range win.Rolls {
			got = append(got, roll.Segments)
		}
	}
	if p.Segments != 24 || p.Rolls != len(got) {
		t.Errorf("%+v", p)
	}
	want(t, "segments in each", got, 5, 5, 5, 5, 4)
	report, err := r.Execute(context.Background(), p)
	if err != nil || report.Rolled != 5 {
		t.Fatal(report, err)
	}
	if got := len(w.page(0).Segments); got != 5 {
		t.Errorf("the page tells of %d", got)
	}
	w.wantRecords(240)
}

// A hole, a gap, and a window that is not over end a roll-up.
func TestWhatEndsARollUp(t *testing.T) {
	w := newWorld(t)
	w.row(0, 2, midnight, time.Hour)
	gap, digest := w.Gap(20, 30, names.Digest{})
	w.Store(covertest.Spec{Base: 30, Next: 40, Prev: digest, Created: midnight.Add(3 * time.Hour), Batches: [][]byte{covertest.Batch(t, 30, 10)}})
	w.row(50, 2, midnight.Add(4*time.Hour), time.Hour)
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 3 || len(report.Findings) != 0 {
		t.Errorf("%+v", report)
	}
	want(t, "objects", segments(w.A), "[0, 20)", "[20, 30)", "[30, 40)", "[50, 70)")
	if w.A.Object(gap.String()) == nil {
		t.Error("the gap is gone")
	}
	if w.rolled(30, 40).Prev != digest {
		t.Error("the roll-up behind the gap does not name it")
	}
}

// A roll-up of long ago whose retention date has passed is stored without a
// lock, which no store would take.
func TestLongAgo(t *testing.T) {
	w := newWorld(t)
	w.row(0, 3, midnight, time.Hour)
	w.now = midnight.Add(retain + day)
	if report := w.mustRun(rollup.Request{Lapse: true}); report.Rolled != 1 || report.Lapsed != 3 {
		t.Errorf("%+v", report)
	}
	w.wantWhole(30)
}

// Late segments of zombies are rolled up once more, together with what holds
// their offsets.
func TestLate(t *testing.T) {
	w := newWorld(t)
	w.row(0, 10, midnight, time.Hour)
	w.mustRun(rollup.Request{Lapse: true})
	w.Store(covertest.Spec{Base: 30, Next: 45, Created: midnight.Add(4 * time.Hour), Batches: [][]byte{covertest.Batch(t, 30, 5), covertest.Batch(t, 35, 5), covertest.Batch(t, 40, 5)}}, w.A)
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 1 || report.Lapsed != 1 {
		t.Errorf("%+v", report)
	}
	want(t, "segments", segments(w.B), "[0, 100)", "[30, 45)")
	w.wantSame()
	w.wantWhole(100)
}

// Damage in one region is no hindrance, damage in both is a hole: it is named,
// and its small segments stay. What does not even verify ends a roll-up.
func TestHole(t *testing.T) {
	w := newWorld(t)
	row := w.row(0, 10, midnight, time.Hour)
	other := w.row(200, 4, midnight, time.Hour)
	harm := func(r *covertest.Region, s *segment.Sealed) {
		r.Put(s.Name.String(), covertest.SameCRC(s.Data, int(s.Footer.Blocks[0].Position)+20))
	}
	harm(w.A, row[3])
	harm(w.B, row[7])
	harm(w.A, row[5])
	harm(w.B, row[5])
	for _, r := range w.Regions() {
		r.Cut(other[2].Name.String(), 100)
	}
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 2 || len(report.Findings) != 3 || report.Lapsed != 3 {
		t.Fatalf("%+v", report)
	}
	if f := report.Findings[2]; f.Kind != cover.KindLost || *f.Offsets != (cover.Offsets{Base: 50, Next: 60}) || !strings.Contains(f.Detail, "[0, 100) is not rolled up") {
		t.Errorf("%+v", f)
	}
	got := segments(w.A)
	want(t, "segments", got[10:], "[200, 220)", "[220, 230)", "[230, 240)")
	want(t, "pages", []int{len(pages(w.A))}, 1)
}

// A region that is down, or fails on the way, stops it: nothing lapses.
func TestRegionDown(t *testing.T) {
	w := newWorld(t)
	w.row(0, 10, midnight, time.Hour)
	w.B.Down()
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 0 || len(report.Findings) != 1 || report.Findings[0].Kind != cover.KindUnreachable {
		t.Errorf("%+v", report)
	}
	if got := len(segments(w.A)); got != 10 {
		t.Errorf("%d segments", got)
	}
}

// Two writers that work at once: both results are true copies.
func TestTwoWriters(t *testing.T) {
	w := newWorld(t)
	w.row(0, 10, midnight, time.Hour)
	one, two := w.roller(rollup.Options{}), w.roller(rollup.Options{})
	p1, err1 := one.Plan(context.Background(), rollup.Request{Lapse: true})
	p2, err2 := two.Plan(context.Background(), rollup.Request{Lapse: true})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	r1, err1 := one.Execute(context.Background(), p1)
	r2, err2 := two.Execute(context.Background(), p2)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if r1.Rolled != 1 || r2.Rolled+r2.Found+len(r2.Findings) == 0 {
		t.Errorf("%+v\n%+v", r1, r2)
	}
	w.wantWhole(100)
}

func TestOptions(t *testing.T) {
	for _, o := range []rollup.Options{{}, {Window: 1, Retain: 1}, {Window: 1, Size: 1}, {Retain: 1, Size: 1}, {Window: 1, Retain: 1, Size: 1}} {
		if _, err := rollup.New(rollup.Parts{}, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
