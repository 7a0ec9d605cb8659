package cover_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

func tails(t *testing.T, w *covertest.World) cover.Tails {
	t.Helper()
	got, err := w.Archive().Tails(context.Background(), covertest.Partition)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantTails compares where the partition and its two regions end.
func wantTails(t *testing.T, got cover.Tails, next, a, b int64) {
	t.Helper()
	if got.Next != next || got.Region("a").Next != a || got.Region("b").Next != b {
		t.Errorf("tails %d, a %d, b %d: want %d, %d, %d", got.Next, got.Region("a").Next, got.Region("b").Next, next, a, b)
	}
}

func TestTailsNone(t *testing.T) {
	got := tails(t, covertest.New(t))
	if got.Found || got.Next != 0 {
		t.Errorf("an empty archive has a tail: %+v", got)
	}
}

func TestTails(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(5, 300)
	got := tails(t, w)
	wantTails(t, got, 3005, 3005, 3005)
	if got.Digest != row[299].Digest || got.Region("b").Digest != row[299].Digest {
		t.Error("digest is not that of the last segment")
	}
	if len(got.Holes)+len(got.Rejected)+len(got.Region("a").Lacks) > 0 {
		t.Errorf("findings in a sound archive: %+v", got)
	}
	if n := w.A.Calls("stat") + w.B.Calls("stat"); n > 4 {
		t.Errorf("%d objects looked at, want only the top", n)
	}
}

// What does not verify at the tail does not count.
func TestTailsRejects(t *testing.T) {
	mallory := signed.NewSigner(signed.RoleArchive, covertest.Key("mallory"))
	top := func(w *covertest.World, s covertest.Spec) *segment.Sealed {
		s.Base, s.Next, s.Batches = 30, 40, [][]byte{covertest.Batch(w.T, 30, 10)}
		return w.Store(s, w.A)
	}
	for _, tt := range []struct {
		name string
		add  func(w *covertest.World)
		kind cover.Kind
	}{
		{"forged", func(w *covertest.World) { top(w, covertest.Spec{Signer: mallory}) }, cover.KindForged},
		{"cut short", func(w *covertest.World) { w.A.Cut(top(w, covertest.Spec{}).Name.String(), -1) }, cover.KindDamaged},
		{"empty", func(w *covertest.World) { w.A.Cut(top(w, covertest.Spec{}).Name.String(), 0) }, cover.KindDamaged},
		{"longer", func(w *covertest.World) {
			s := top(w, covertest.Spec{})
			w.A.Put(s.Name.String(), append(s.Data, 0))
		}, cover.KindDamaged},
		{"flipped body", func(w *covertest.World) {
			s := top(w, covertest.Spec{})
			w.A.Flip(s.Name.String(), int(s.Footer.Blocks[0].Position)+9)
		}, cover.KindDamaged},
		{"another name", func(w *covertest.World) {
			s := top(w, covertest.Spec{})
			w.A.Remove(s.Name.String())
			s.Name.Next = 1 << 50
			w.A.Put(s.Name.String(), s.Data)
		}, cover.KindMisplaced},
		{"page missing", func(w *covertest.World) { top(w, covertest.Spec{Page: names.PageID{7}}) }, cover.KindNoPage},
		{"unreadable", func(w *covertest.World) {
			s := top(w, covertest.Spec{})
			w.A.Fail(func(_, key string) error {
				if key == s.Name.String() {
					return covertest.ErrDown
				}
				return nil
			})
		}, cover.KindUnreachable},
		{"forged gap", func(w *covertest.World) {
			name, _ := w.Gap(30, 90, names.Digest{})
			w.A.Flip(name.String(), 3)
			w.B.Remove(name.String())
		}, cover.KindForged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, bDown := range []bool{false, true} {
				w := covertest.New(t)
				row := w.Row(0, 3)
				tt.add(w)
				if bDown {
					w.B.Down()
				}
				got := tails(t, w)
				if !got.Found || got.Next != 30 || got.Region("a").Next != 30 || got.Digest != row[2].Digest {
					t.Errorf("b down %v: tail %d, want it to stay at 30", bDown, got.Next)
				}
				if len(got.Holes) > 0 {
					t.Errorf("b down %v: holes %v", bDown, got.Holes)
				}
				if len(got.Rejected) != 1 || got.Rejected[0].Kind != tt.kind {
					t.Errorf("b down %v: rejected %v, want %s", bDown, got.Rejected, tt.kind)
				}
				if !bDown {
					wantTails(t, got, 30, 30, 30)
				}
			}
		})
	}
}

// The key page reached only A, the segment both.
func TestTailsPageInOneRegion(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 2)
	page := names.PageID{7}
	w.A.AddPage(page)
	w.Store(covertest.Spec{Base: 20, Next: 30, Page: page, Batches: [][]byte{covertest.Batch(t, 20, 10)}})
	wantTails(t, tails(t, w), 30, 30, 20)
	w.A.Down()
	if got := tails(t, w); got.Next != 20 || got.Region("b").Next != 20 || got.Region("a").Err == nil {
		t.Errorf("with a lost: %+v", got)
	}
	w.B.AddPage(page)
	if got := tails(t, w); got.Next != 30 {
		t.Errorf("with the page in b: tail %d", got.Next)
	}
}

// A region that was away, and holes.
func TestTailsLacks(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 6)
	w.B.Remove(row[2].Name.String())
	w.B.Remove(row[5].Name.String())
	for _, r := range w.Regions() {
		r.Remove(row[1].Name.String())
	}
	got := tails(t, w)
	wantTails(t, got, 60, 60, 20)
	if !slices.Equal(got.Holes, []cover.Offsets{{Base: 10, Next: 20}}) {
		t.Errorf("holes %v", got.Holes)
	}
	if want := []names.Range{row[2].Name, row[5].Name}; !slices.Equal(got.Region("b").Lacks, want) {
		t.Errorf("b lacks %v, want %v", got.Region("b").Lacks, want)
	}
	w.B.Put(row[2].Name.String(), row[2].Data)
	got = tails(t, w)
	wantTails(t, got, 60, 60, 50)
	if got.Region("b").Digest != row[4].Digest {
		t.Error("b's digest is not that of the segment at its tail")
	}
}

// Two archivers, each winning in another region, cut differently.
func TestTailsOverlap(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	w.Store(covertest.Spec{Base: 10, Next: 30, Batches: [][]byte{covertest.Batch(t, 10, 20)}}, w.A)
	w.Store(covertest.Spec{Base: 10, Next: 20, Batches: [][]byte{covertest.Batch(t, 10, 10)}}, w.B)
	wantTails(t, tails(t, w), 30, 30, 20)
}

// A candidate that does not verify covers nothing: the hole under it is seen.
func TestTailsHoleUnderForgery(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 3)
	for _, r := range w.Regions() {
		r.Remove(row[1].Name.String())
	}
	mallory := signed.NewSigner(signed.RoleArchive, covertest.Key("mallory"))
	w.Store(covertest.Spec{Base: 10, Next: 40, Signer: mallory, Batches: [][]byte{covertest.Batch(t, 10, 30)}})
	got := tails(t, w)
	wantTails(t, got, 30, 30, 30)
	if !slices.Equal(got.Holes, []cover.Offsets{{Base: 10, Next: 20}}) {
		t.Errorf("holes %v", got.Holes)
	}
}

// When nobody can say who a signer is, nothing is known about what it signed.
func TestTailsSignersUnreachable(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 20)
	for _, r := range w.Regions() {
		r.Fail(func(_, key string) error {
			if strings.HasPrefix(key, names.Signers) {
				return covertest.ErrDown
			}
			return nil
		})
	}
	if got, err := w.Archive().Tails(context.Background(), covertest.Partition); !errors.Is(err, covertest.ErrDown) {
		t.Errorf("tail %d, found %v, error %v", got.Next, got.Found, err)
	}
}

// A gap counts like a segment.
func TestTailsGap(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 1)
	_, digest := w.Gap(10, 50, row[0].Digest)
	got := tails(t, w)
	wantTails(t, got, 50, 50, 50)
	if got.Digest != digest {
		t.Error("digest is not the gap's")
	}
}

// A store or KMS that does not answer is not an archive that ends early.
func TestTailsUnreachable(t *testing.T) {
	for _, op := range []string{"stat", "secret", "readat"} {
		w := covertest.New(t)
		w.Row(0, 50)
		for _, r := range w.Regions() {
			r.Fail(func(got, _ string) error {
				if got == op {
					return covertest.ErrDown
				}
				return nil
			})
		}
		if got, err := w.Archive().Tails(context.Background(), covertest.Partition); !errors.Is(err, covertest.ErrDown) {
			t.Errorf("%s fails everywhere: tail %d, error %v", op, got.Next, err)
		}
	}
	w := covertest.New(t)
	w.A.Down()
	w.B.Down()
	if _, err := w.Archive().Tails(context.Background(), covertest.Partition); err == nil {
		t.Error("both regions down: no error")
	}
}

func TestPartitions(t *testing.T) {
	w := covertest.New(t)
	var want []names.Partition
	for _, topic := range []string{"orders", "orders-eu"} {
		for n := range int32(12) {
			p := covertest.Partition
			p.Topic, p.Number = topic, n
			region := w.Regions()[n%2]
			for i := range 120 {
				region.Put(names.Range{Partition: p, Base: int64(i), Next: int64(i + 1), Kind: names.KindSegment}.String(), nil)
			}
			want = append(want, p)
		}
	}
	branch := covertest.Partition
	branch.Lineage.Branch = 4
	w.B.Put(names.Range{Partition: branch, Next: 1, Kind: names.KindGap}.String(), nil)
	for _, bad := range []string{"topics/orders/../x", "topics/orders/what", "topics/Ω/a/0/b"} {
		w.A.Put(bad, nil)
	}
	a := w.Archive()
	got, err := a.List(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Insert(slices.Clone(want), 12, branch); !slices.Equal(got.Partitions, want) {
		t.Errorf("got %v, want %v", got.Partitions, want)
	}
	if len(got.Unknown) != 3 {
		t.Errorf("unknown names: %v", got.Unknown)
	}
	one, err := a.Partitions(context.Background(), "orders-eu")
	if err != nil || !slices.Equal(one, want[12:]) {
		t.Errorf("one topic: %v, %v", one, err)
	}
	if _, err := a.Partitions(context.Background(), "../keys"); err == nil {
		t.Error("a topic name that climbs out was accepted")
	}
}

// A name inside a partition that tidemark did not give is reported, not
// read.
func TestMapUnknown(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 1)
	bad := strings.Replace(row[0].Name.String(), "-", "_", 1)
	w.A.Put(bad, row[0].Data)
	m, err := w.Archive().Map(context.Background(), covertest.Partition)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Unknown) != 1 || m.Unknown[0].Object != bad || m.Unknown[0].Kind != cover.KindUnknownName {
		t.Errorf("unknown: %v", m.Unknown)
	}
	if len(m.Segments) != 1 || len(m.Segments[0].Places) != 2 {
		t.Errorf("segments: %v", m.Segments)
	}
}
