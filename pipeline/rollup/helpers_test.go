package rollup_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/heal"
	"github.com/tidemark-io/tidemark/pipeline/rollup"
)

// midnight begins the day in which the tests' segments are begun.
var midnight = time.Date(2026, 9, 21, 0, 0, 0, 0, time.UTC)

const (
	day    = 24 * time.Hour
	retain = 2555 * day
)

// world is an archive, and hands to stop a roller at any write.
type world struct {
	*covertest.World
	now time.Time
	// locks are dates of objects in region b, as a store keeps them.
	locks map[string]time.Time
	// stop makes a write fail; after, once it was done.
	stop, after func(op, region, key string) error
	mu          sync.Mutex // one write at a time
	slot        uint16
}

func newWorld(t testing.TB) *world {
	return &world{World: covertest.New(t), now: midnight.Add(9 * day), locks: map[string]time.Time{}}
}

// region is the writing side of a covertest.Region.
type region struct {
	w *world
	r *covertest.Region
}

func (g region) Name() string { return g.r.Name }

func (g region) do(op, key string, write func() error) error {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	if g.w.stop != nil {
		if err := g.w.stop(op, g.r.Name, key); err != nil {
			return err
		}
	}
	if err := write(); err != nil {
		return err
	}
	if g.w.after != nil {
		return g.w.after(op, g.r.Name, key)
	}
	return nil
}

func (g region) EnsurePage(_ context.Context, page names.PageID) error {
	return g.do("page", page.String(), func() error { g.r.AddPage(page); return nil })
}

func (g region) Ensure(ctx context.Context, name string, body []byte, until time.Time) error {
	if !until.IsZero() && !until.After(g.w.now) {
		return fmt.Errorf("put %s: the retain until date must be in the future", name) // as S3 says
	}
	return g.do("put", name, func() error { return g.r.Ensure(ctx, name, body, until) })
}

func (g region) Delete(_ context.Context, name string) error {
	if g.w.locks[name].After(g.w.now) {
		return fmt.Errorf("delete %s: %w", name, fs.ErrPermission)
	}
	return g.do("delete", name, func() error { g.r.Remove(name); return nil })
}

var rolledPage = names.PageID{0x77}

// Next implements rollup.Secrets.
func (w *world) Next() (names.PageID, uint16, block.Secret, error) {
	w.slot++
	return rolledPage, w.slot, covertest.SecretOf(rolledPage, w.slot), nil
}

func (w *world) roller(o rollup.Options) *rollup.Roller {
	w.T.Helper()
	if o.Window == 0 {
		o.Window = day
	}
	if o.Size == 0 {
		o.Size = 1 << 30
	}
	o.After, o.Retain, o.Spool, o.Now = 7*day, retain, w.T.TempDir(), func() time.Time { return w.now }
	a := w.Archive()
	regions := []rollup.Region{region{w, w.A}, region{w, w.B}}
	targets := heal.Targets{Stores: map[string]heal.Store{"a": region{w, w.A}, "b": region{w, w.B}}, Keys: w.World}
	r, err := rollup.New(rollup.Parts{
		Archive: a, ID: w.ID, Signer: w.Archiver, Secrets: w, Regions: regions, Copier: heal.New(a, targets),
	}, o)
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

// run plans and executes.
func (w *world) run(o rollup.Options, q rollup.Request) (*rollup.Report, error) {
	w.T.Helper()
	r := w.roller(o)
	p, err := r.Plan(context.Background(), q)
	if err != nil {
		w.T.Fatal(err)
	}
	return r.Execute(context.Background(), p)
}

func (w *world) mustRun(q rollup.Request) *rollup.Report {
	w.T.Helper()
	report, err := w.run(rollup.Options{}, q)
	if err != nil {
		w.T.Fatal(err)
	}
	return report
}

// row stores segments of ten records each, one every step from a moment on.
func (w *world) row(from int64, count int, at time.Time, step time.Duration) []*segment.Sealed {
	w.T.Helper()
	var out []*segment.Sealed
	var prev names.Digest
	for i := range int64(count) {
		base := from + 10*i
		s := w.Store(covertest.Spec{
			Base: base, Next: base + 10, Prev: prev, Created: at.Add(time.Duration(i) * step), RetainUntil: at.Add(time.Duration(i)*step + 7*day),
			Batches: [][]byte{covertest.Batch(w.T, base, 5), covertest.Batch(w.T, base+5, 5)},
		})
		prev = s.Digest
		out = append(out, s)
	}
	return out
}

// segments lists what a region has of the partition, as [base, next).
func segments(r *covertest.Region) []string {
	var out []string
	for _, k := range r.Keys() {
		if name, err := names.ParseRange(k); err == nil {
			out = append(out, fmt.Sprintf("[%d, %d)", name.Base, name.Next))
		}
	}
	return out
}

func pages(r *covertest.Region) (out []string) {
	for _, k := range r.Keys() {
		if _, err := names.ParseCataloguePage(k); err == nil {
			out = append(out, k)
		}
	}
	return out
}

// wantRecords reads the partition and compares it with offsets [0, next).
func (w *world) wantRecords(next int64) {
	w.T.Helper()
	at := int64(0)
	d := recordbatch.NewDecoder(0)
	for piece, err := range w.Archive().Read(context.Background(), covertest.Partition, cover.ReadOptions{}) {
		if err != nil {
			w.T.Fatal(err)
		}
		for rec, err := range piece.Records(d) {
			if err != nil {
				w.T.Fatal(err)
			}
			if want := covertest.Record(at); rec.Offset != at || string(rec.Value) != string(want.Value) || string(rec.Key) != string(want.Key) {
				w.T.Fatalf("offset %d reads %q, want offset %d", rec.Offset, rec.Value, at)
			}
			at++
		}
	}
	if at != next {
		w.T.Fatalf("read %d records, want %d", at, next)
	}
}

func want[T comparable](t testing.TB, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (w *world) wantSame() {
	w.T.Helper()
	if a, b := w.A.Keys(), w.B.Keys(); !slices.Equal(a, b) {
		w.T.Errorf("region a holds\n%s\nb holds\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

var errCrash = errors.New("crash")
