package rollup_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/heal"
	"github.com/tidemark-io/tidemark/pipeline/rollup"
)

// A roller dies at its nth write, before it or right after, and once more at
// every write of the run that follows. At each point everything is readable, and
// in the end it is as if nothing had happened.
func TestCrashAtEveryWrite(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		for n := 1; ; n++ {
			if !crashAt(t, when, n) {
				if n < 20 {
					t.Errorf("only %d writes", n)
				}
				break
			}
		}
	}
}

// crashAt is false if there is no nth write.
func crashAt(t *testing.T, when string, n int) bool {
	w := newWorld(t)
	w.row(0, 6, midnight, 8*time.Hour) // three in each of two days
	died := w.die(when, n)
	_, err := w.run(rollup.Options{}, rollup.Request{Lapse: true})
	if *died != errors.Is(err, errCrash) {
		t.Fatalf("%s write %d: %v", when, n, err)
	}
	w.stop, w.after = nil, nil
	w.wantRecords(60)
	w.wantNothingGone()
	for again := 1; *died && again < 4; again++ {
		died2 := w.die(when, again)
		if _, err := w.run(rollup.Options{}, rollup.Request{Lapse: true}); *died2 != errors.Is(err, errCrash) {
			t.Fatalf("%s write %d and then %d: %v", when, n, again, err)
		}
		w.stop, w.after = nil, nil
		w.wantRecords(60)
		w.wantNothingGone()
	}
	w.mustRun(rollup.Request{Lapse: true})
	want(t, fmt.Sprintf("%s write %d: segments", when, n), segments(w.A), "[0, 30)", "[30, 60)")
	w.wantSame()
	w.wantWhole(60)
	return *died
}

// die makes the nth write and all after it fail.
func (w *world) die(when string, n int) *bool {
	died := new(bool)
	count := 0
	fail := func(string, string, string) error {
		if count++; count >= n {
			*died = true
			return errCrash
		}
		return nil
	}
	if when == "before" {
		w.stop = fail
	} else {
		// Once dead, nothing is written any more.
		w.after = fail
		w.stop = func(string, string, string) error {
			if *died {
				return errCrash
			}
			return nil
		}
	}
	return died
}

// wantNothingGone checks what must hold at every moment: a segment that a
// region lacks is held by a roll-up that every region holds, block by block, and
// a page in every region says so.
func (w *world) wantNothingGone() {
	w.T.Helper()
	a := w.Archive()
	m, err := a.Map(context.Background(), covertest.Partition)
	if err != nil {
		w.T.Fatal(err)
	}
	covered := &cover.Coverage{}
	for _, c := range m.Segments {
		if len(c.Places) == 2 {
			covered.Add(c.Offsets())
		}
	}
	if missing := covered.Missing(cover.Offsets{Base: 0, Next: 60}); len(missing) > 0 {
		w.T.Errorf("offsets %v are not in both regions", missing)
	}
	for _, r := range w.Regions() {
		for _, k := range pages(r) {
			if _, err := a.Page(context.Background(), r.Name, k); err != nil {
				w.T.Error(err)
			}
		}
	}
}

// The order of writes of one roll-up and its lapse.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	w.row(0, 2, midnight, time.Hour)
	checked := 0
	w.stop = func(op, _, key string) error {
		switch {
		case strings.HasSuffix(key, ".seg") && op == "put":
			if !w.A.HasPage(rolledPage) || !w.B.HasPage(rolledPage) {
				t.Error("a roll-up is stored before its key page")
			}
		case strings.HasSuffix(key, ".json"):
			w.rolled(0, 20)
			if len(segments(w.A)) != 3 || len(segments(w.B)) != 3 {
				t.Error("a page is stored before the roll-up is in both regions")
			}
		case op == "delete":
			checked++
			if len(pages(w.A)) != 1 || len(pages(w.B)) != 1 {
				t.Error("a segment lapses before the page is in both regions")
			}
		}
		return nil
	}
	w.mustRun(rollup.Request{Lapse: true})
	if checked != 4 {
		t.Errorf("%d deletions", checked)
	}
}

// What each region returns is compared before anything lapses, every time.
func TestNothingLapsesUnverified(t *testing.T) {
	for _, region := range []string{"a", "b"} {
		w := newWorld(t)
		w.row(0, 3, midnight, time.Hour)
		w.mustRun(rollup.Request{})
		o := w.rolled(0, 30)
		r := map[string]*covertest.Region{"a": w.A, "b": w.B}[region]
		r.Put(o.Name.String(), covertest.SameCRC(r.Object(o.Name.String()), int(o.Segment.Footer().Blocks[0].Position)+20))
		report := w.mustRun(rollup.Request{Lapse: true})
		if report.Lapsed != 0 || len(segments(w.A)) != 4 || len(report.Findings) != 1 || !strings.Contains(report.Findings[0].Detail, "does not lapse") {
			t.Errorf("damaged in %s: %+v", region, report)
		}
	}
}

// A roll-up that one region never got is no reason to lapse.
func TestNothingLapsesInOneRegion(t *testing.T) {
	w := newWorld(t)
	w.row(0, 3, midnight, time.Hour)
	w.mustRun(rollup.Request{})
	w.B.Remove(w.rolled(0, 30).Name.String())
	r := w.roller(rollup.Options{})
	p, err := r.Plan(context.Background(), rollup.Request{Lapse: true})
	if err != nil {
		t.Fatal(err)
	}
	w.stop = func(op, _, _ string) error {
		if op == "delete" {
			if name := w.rolled(0, 30).Name.String(); w.A.Object(name) == nil || w.B.Object(name) == nil {
				t.Error("a segment lapses while its roll-up is in one region")
			}
		}
		return nil
	}
	report, err := r.Execute(context.Background(), p)
	if err != nil || report.Found != 1 {
		t.Fatal(report, err)
	}
	w.stop = nil
	w.wantWhole(30)
}

// A page that does not say it holds a segment holds nothing up for it, however
// the offsets lie.
func TestOnlyWhatIsHeldLapses(t *testing.T) {
	w := newWorld(t)
	w.row(0, 3, midnight, time.Hour)
	w.mustRun(rollup.Request{})
	late := w.Store(covertest.Spec{Base: 0, Next: 10, Created: midnight.Add(20 * day), Batches: [][]byte{covertest.Batch(t, 0, 10)}})
	w.mustRun(rollup.Request{Lapse: true})
	if w.A.Object(late.Name.String()) == nil || w.B.Object(late.Name.String()) == nil {
		t.Error("a segment lapsed that no roll-up was made from")
	}
	w.A.Remove(late.Name.String())
	report, err := heal.New(w.Archive(), heal.Targets{Stores: map[string]heal.Store{"a": w.A, "b": w.B}, Keys: w.World}).Run(context.Background(), heal.Options{})
	if err != nil || report.Objects != 1 {
		t.Errorf("heal copied %d, %v: want the one that has not lapsed", report.Objects, err)
	}
}

// Locks hold: by the date in the signed header, and by what a store says.
func TestLocks(t *testing.T) {
	w := newWorld(t)
	row := w.row(0, 3, midnight, time.Hour)
	w.now = midnight.Add(7*day + 30*time.Minute) // only the first may go
	report := w.mustRun(rollup.Request{Before: midnight.Add(2 * day), Lapse: true})
	if report.Lapsed != 1 || report.Locked != 2 || !report.UnlockedAt.Equal(midnight.Add(7*day+2*time.Hour)) {
		t.Errorf("%+v", report)
	}
	w.now = midnight.Add(8 * day)
	w.locks[row[1].Name.String()] = w.now.Add(time.Hour)
	if report = w.mustRun(rollup.Request{Lapse: true}); report.Lapsed != 1 || report.Locked != 1 {
		t.Errorf("%+v", report)
	}
	w.wantSame()
	w.now = w.now.Add(2 * time.Hour)
	if report = w.mustRun(rollup.Request{Lapse: true}); report.Lapsed != 1 || report.Locked != 0 {
		t.Errorf("%+v", report)
	}
	w.wantWhole(30)
}

// A gap that segments of a range explain away is none of its business; one that
// is needed refuses it, should it ever come to that.
func TestNeededGapIsRefused(t *testing.T) {
	w := newWorld(t)
	row := w.row(0, 3, midnight, time.Hour)
	w.Gap(10, 20, row[0].Digest)
	for _, r := range w.Regions() {
		r.Put(row[1].Name.String(), covertest.SameCRC(row[1].Data, int(row[1].Footer.Blocks[0].Position)+20))
	}
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 0 || len(report.Findings) != 1 || report.Findings[0].Kind != cover.KindGap {
		t.Errorf("%+v", report)
	}
}

// Copies that hold different batches are merged by readers; a roll-up keeps
// batches as they are, and leaves them alone.
func TestMergedIsRefused(t *testing.T) {
	w := newWorld(t)
	w.row(0, 2, midnight, time.Hour)
	w.Store(covertest.Spec{Base: 5, Next: 15, Created: midnight, Batches: [][]byte{covertest.Batch(t, 5, 10)}})
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 0 || len(report.Findings) != 1 || report.Findings[0].Kind != cover.KindOverlap || len(segments(w.A)) != 3 {
		t.Errorf("%+v", report)
	}
	w.wantRecords(20)
}

// A first batch that begins below the base comes over whole, and only what
// counted counts.
func TestBeginsInsideABatch(t *testing.T) {
	w := newWorld(t)
	w.Store(covertest.Spec{Base: 3, Next: 10, Created: midnight, Batches: [][]byte{covertest.Batch(t, 0, 10)}})
	w.row(10, 2, midnight, time.Hour)
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Rolled != 1 || report.Lapsed != 3 {
		t.Fatalf("%+v", report)
	}
	first := w.rolled(3, 30).Segment.Footer().Blocks[0]
	if first.Base != 3 {
		t.Errorf("the first block begins at %d", first.Base)
	}
	for piece, err := range w.Archive().Read(context.Background(), covertest.Partition, cover.ReadOptions{}) {
		if err != nil || piece.Base() != 3 {
			t.Errorf("the first piece begins at %d, %v", piece.Base(), err)
		}
		break
	}
}

// A page whose bytes were changed explains nothing, and its name is taken: it is
// a finding, and the small segments stay.
func TestDamagedPage(t *testing.T) {
	w := newWorld(t)
	w.row(0, 3, midnight, time.Hour)
	w.mustRun(rollup.Request{})
	for _, r := range w.Regions() {
		for _, k := range pages(r) {
			r.Flip(k, 30)
		}
	}
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Lapsed != 0 || len(report.Findings) != 1 || report.Findings[0].Kind != cover.KindDamaged || len(segments(w.A)) != 4 {
		t.Errorf("%+v", report)
	}
}

// A roll-up of an earlier run that is bad in one region is a finding, and the
// next window goes on.
func TestBadTwin(t *testing.T) {
	w := newWorld(t)
	w.row(0, 6, midnight, 8*time.Hour)
	died := w.die("before", 5) // the first page
	if _, err := w.run(rollup.Options{}, rollup.Request{}); !errors.Is(err, errCrash) || !*died {
		t.Fatal(err)
	}
	w.stop = nil
	o := w.rolled(0, 30)
	w.B.Put(o.Name.String(), covertest.SameCRC(w.B.Object(o.Name.String()), int(o.Segment.Footer().Blocks[0].Position)+20))
	report := w.mustRun(rollup.Request{Lapse: true})
	if len(report.Findings) != 1 || report.Findings[0].Region != "b" || report.Findings[0].Kind != cover.KindDamaged || report.Lapsed != 3 {
		t.Errorf("%+v", report)
	}
	w.wantRecords(60)
}

// Where nothing is left to lapse, no page is read again.
func TestLapseReadsFewPages(t *testing.T) {
	w := newWorld(t)
	w.row(0, 24*5, midnight.Add(-5*day), time.Hour)
	w.mustRun(rollup.Request{Lapse: true})
	r := w.roller(rollup.Options{})
	p, err := r.Plan(context.Background(), rollup.Request{Lapse: true})
	if err != nil {
		t.Fatal(err)
	}
	gets := w.A.Calls("get")
	if report, err := r.Execute(context.Background(), p); err != nil || report.Lapsed != 0 {
		t.Fatal(report, err)
	}
	if n := w.A.Calls("get") - gets; n != 0 {
		t.Errorf("%d objects were fetched", n)
	}
	w.wantWhole(1200)
}

// A roll-up that was stored before a copy came that has more is not taken for
// what holds that copy.
func TestTwinThatLacks(t *testing.T) {
	w := newWorld(t)
	w.Store(covertest.Spec{Base: 0, Next: 10, Created: midnight, Batches: [][]byte{covertest.Batch(t, 0, 10)}})
	w.Store(covertest.Spec{Base: 10, Next: 20, Created: midnight, Batches: [][]byte{covertest.Batch(t, 10, 5)}}) // compacted
	died := w.die("before", 5)                                                                                   // the page
	if _, err := w.run(rollup.Options{}, rollup.Request{}); !errors.Is(err, errCrash) || !*died {
		t.Fatal(err)
	}
	w.stop = nil
	w.rolled(0, 20)
	w.Store(covertest.Spec{Base: 15, Next: 20, Created: midnight, Batches: [][]byte{covertest.Batch(t, 15, 5)}}, w.B)
	report := w.mustRun(rollup.Request{Lapse: true})
	if report.Found != 0 || report.Rolled != 1 || report.Lapsed != 3 {
		t.Errorf("%+v", report)
	}
	w.wantWhole(20)
}
