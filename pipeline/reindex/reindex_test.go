package reindex_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/reindex"
)

// shelf is a catalogue in memory. A tail is kept as a name of no length.
type shelf map[names.Range][]string

func (s shelf) SetTail(_ context.Context, p names.Partition, region string, next int64) error {
	s[tailOf(p, region)] = []string{fmt.Sprint(next)}
	return nil
}

func tailOf(p names.Partition, region string) names.Range {
	return names.Range{Partition: names.Partition{Topic: "tail of " + region, Lineage: p.Lineage, Number: p.Number}}
}

// segments are what the shelf holds beside tails.
func (s shelf) segments() shelf {
	out := maps.Clone(s)
	maps.DeleteFunc(out, func(r names.Range, _ []string) bool { return r.Kind == "" })
	return out
}

func (s shelf) Known(_ context.Context, p names.Partition) (map[names.Range][]string, error) {
	known := map[names.Range][]string{}
	for r, in := range s {
		if r.Partition == p {
			known[r] = slices.Clone(in)
		}
	}
	return known, nil
}

func (s shelf) Put(_ context.Context, copies []*cover.Object) error {
	for _, o := range copies {
		s[o.Name] = append(s[o.Name], o.Region)
	}
	return nil
}

func (s shelf) Delete(_ context.Context, gone ...names.Range) error {
	for _, r := range gone {
		delete(s, r)
	}
	return nil
}

func run(t *testing.T, w *covertest.World, s shelf) reindex.Report {
	t.Helper()
	r, err := reindex.Partition(t.Context(), w.Archive(), s, covertest.Partition)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func same(t *testing.T, got, want shelf) {
	t.Helper()
	got, want = got.segments(), want.segments()
	if len(got) != len(want) {
		t.Errorf("%d segments in the catalogue, want %d", len(got), len(want))
	}
	for r, in := range want {
		if !slices.Equal(got[r], in) {
			t.Errorf("%s: in %q, want %q", r, got[r], in)
		}
	}
}

// Behind and ahead, and equal to a full rebuild.
func TestCatchesUpWithTheRegions(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 4)
	full := shelf{}
	if r := run(t, w, full); r.Added != 4 || r.Deleted != 0 {
		t.Errorf("rebuild: %+v, want 4 added", r)
	}
	if got := full[tailOf(covertest.Partition, "b")]; !slices.Equal(got, []string{"40"}) {
		t.Errorf("tail of region b is noted as %q, want 40", got)
	}
	same(t, full, shelf{row[0].Name: {"a", "b"}, row[1].Name: {"a", "b"}, row[2].Name: {"a", "b"}, row[3].Name: {"a", "b"}})

	behind := shelf{row[0].Name: {"a", "b"}, row[1].Name: {"a"}}
	ahead := row[3].Name
	ahead.Next += 7
	behind[ahead] = []string{"a", "b"} // of a disk that was restored
	if r := run(t, w, behind); r.Added != 3 || r.Deleted != 1 {
		t.Errorf("catch up: %+v, want 3 added and 1 deleted", r)
	}
	same(t, behind, full)
}

func TestBelievesNoName(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 2)
	w.A.Flip(row[1].Name.String(), -1)
	s := shelf{}
	if r := run(t, w, s); len(r.Rejected) != 1 || r.Rejected[0].Region != "a" {
		t.Errorf("rejected %+v, want the copy in region a", r.Rejected)
	}
	same(t, s, shelf{row[0].Name: {"a", "b"}, row[1].Name: {"b"}})
}

func TestARegionThatIsDownLosesNothing(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 1)
	onlyB := row[0].Name
	onlyB.Next += 3
	s := shelf{onlyB: {"b"}}
	w.B.Down()
	if r := run(t, w, s); r.Deleted != 0 {
		t.Errorf("%+v: deleted although a region was silent", r)
	}
}
