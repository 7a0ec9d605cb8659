package heal_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/heal"
)

func healer(w *covertest.World) *heal.Healer {
	return heal.New(w.Archive(), heal.Targets{Stores: map[string]heal.Store{"a": w.A, "b": w.B}, Keys: w})
}

func run(t *testing.T, w *covertest.World) heal.Report {
	t.Helper()
	r, err := healer(w).Run(context.Background(), heal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantEqual compares both regions byte for byte.
func wantEqual(t *testing.T, w *covertest.World) {
	t.Helper()
	dump := func(r *covertest.Region) map[string]string {
		out := map[string]string{}
		for _, k := range r.Keys() {
			out[k] = string(r.Object(k))
		}
		return out
	}
	if a, b := dump(w.A), dump(w.B); !maps.Equal(a, b) {
		t.Errorf("regions differ: a has %d objects, b %d", len(a), len(b))
	}
}

func kinds(fs []cover.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, string(f.Kind)+" "+f.Region)
	}
	return out
}

// Each region lacks something.
func TestRun(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 6)
	gap, _ := w.Gap(60, 70, row[5].Digest)
	w.A.Remove(row[0].Name.String())
	w.B.Remove(row[1].Name.String())
	w.B.Remove(gap.String())
	w.B.Remove(names.Archive)
	w.A.Remove(names.Signer(w.Archiver.ID()))
	w.Store(covertest.Spec{Base: 55, Next: 80, Batches: [][]byte{covertest.Batch(t, 55, 25)}}, w.B)
	r := run(t, w)
	if r.Objects != 6 || len(r.Findings) != 0 || r.Partitions != 1 {
		t.Errorf("%+v", r)
	}
	wantEqual(t, w)
	if r = run(t, w); r.Objects != 0 {
		t.Errorf("a second run copied %d objects", r.Objects)
	}
}

// Key pages, of segments that are there and of those copied.
func TestRunPages(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 2)
	page := names.PageID{7}
	w.A.AddPage(page)
	w.Store(covertest.Spec{Base: 20, Next: 30, Page: page, Batches: [][]byte{covertest.Batch(t, 20, 10)}}, w.A)
	w.B.RemovePage(covertest.Page)
	r := run(t, w)
	if r.Pages != 2 || len(r.Findings) != 0 || !w.B.HasPage(page) || !w.B.HasPage(covertest.Page) {
		t.Errorf("%+v", r)
	}
	w.A.RemovePage(page)
	w.B.RemovePage(page)
	if r := run(t, w); !slices.Equal(kinds(r.Findings), []string{"key-page-missing a", "key-page-missing b"}) {
		t.Errorf("page lost in both: %v", r.Findings)
	}
}

// The page is in the region before the segment is.
func TestPageFirst(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	for _, k := range w.B.Keys() {
		w.B.Remove(k)
	}
	w.B.RemovePage(covertest.Page)
	w.B.Fail(func(op, key string) error {
		if op == "put" && strings.HasSuffix(key, ".seg") && !slices.Contains(w.B.Pages(), covertest.Page) {
			t.Errorf("%s stored before its key page", key)
		}
		return nil
	})
	run(t, w)
	wantEqual(t, w)
}

// A bad object is never spread, and never replaced.
func TestRunBad(t *testing.T) {
	for _, tt := range []struct {
		name string
		harm func(r *covertest.Region, s *segment.Sealed)
		kind cover.Kind
	}{
		{"body", func(r *covertest.Region, s *segment.Sealed) {
			r.Flip(s.Name.String(), int(s.Footer.Blocks[0].Position)+20)
		}, cover.KindDamaged},
		{"footer", func(r *covertest.Region, s *segment.Sealed) { r.Flip(s.Name.String(), -300) }, cover.KindForged},
		{"cut", func(r *covertest.Region, s *segment.Sealed) { r.Cut(s.Name.String(), -1) }, cover.KindDamaged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := covertest.New(t)
			row := w.Row(0, 2)
			w.B.Remove(row[0].Name.String())
			tt.harm(w.A, row[0])
			bad := w.A.Object(row[0].Name.String())
			tt.harm(w.B, row[1])
			r := run(t, w)
			if got, want := kinds(r.Findings), []string{string(tt.kind) + " a", string(tt.kind) + " a", string(tt.kind) + " b"}; !slices.Equal(got, want) {
				t.Errorf("findings %v, want %v", got, want)
			}
			if w.B.Object(row[0].Name.String()) != nil {
				t.Error("a bad object was copied")
			}
			if string(w.A.Object(row[0].Name.String())) != string(bad) {
				t.Error("a bad object was replaced")
			}
			if r.Findings[0].Advice == "" {
				t.Error("a finding without advice")
			}
		})
	}
}

// A sound segment under a name of another place is reported and stays alone.
func TestRunStray(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 2)
	stray := row[1].Name
	stray.Next = 30
	w.A.Put(stray.String(), row[1].Data)
	if got := kinds(run(t, w).Findings); !slices.Equal(got, []string{"misplaced a"}) {
		t.Errorf("findings %v, want the stray", got)
	}
	if w.B.Object(stray.String()) != nil {
		t.Error("the stray was copied")
	}
}

// A store whose CRC-32C agrees with the footer vouches for nothing: the blocks
// are compared with their SHA-256.
func TestRunComparesBlocks(t *testing.T) {
	w := covertest.New(t)
	s := w.Row(0, 1)[0]
	w.B.Remove(s.Name.String())
	w.A.Put(s.Name.String(), covertest.SameCRC(s.Data, int(s.Footer.Blocks[0].Position)+20))
	if r := run(t, w); len(r.Findings) == 0 || w.B.Object(s.Name.String()) != nil {
		t.Errorf("a forged body with the right CRC was copied: %+v", r)
	}
}

func TestRunRegionDown(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 2)
	w.B.Down()
	r := run(t, w)
	if !slices.Equal(kinds(r.Findings), []string{"unreachable b", "unreachable b"}) {
		t.Errorf("findings %v", r.Findings)
	}
}

func TestTail(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 6)
	for _, s := range row[2:] {
		w.B.Remove(s.Name.String())
	}
	w.A.Flip(row[3].Name.String(), int(row[3].Footer.Blocks[0].Position)+20)
	refuse := row[5].Name.String()
	w.B.Fail(func(op, key string) error {
		if op == "put" && key == refuse {
			return covertest.ErrDown
		}
		return nil
	})
	h := healer(w)
	next, digest, err := h.Tail(context.Background(), covertest.Partition, "b", 20)
	if next != 30 || digest != row[2].Digest || err == nil {
		t.Errorf("tail %d, %v: want 30 and why it is not higher", next, err)
	}
	w.B.Fail(nil)
	w.A.Put(row[3].Name.String(), row[3].Data)
	next, digest, err = h.Tail(context.Background(), covertest.Partition, "b", next)
	if next != 60 || digest != row[5].Digest || err != nil {
		t.Errorf("tail %d, %v: want 60", next, err)
	}
	wantEqual(t, w)
}
