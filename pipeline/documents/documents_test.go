package documents_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

type place struct{ *covertest.Region }

func (p place) Name() string { return p.Region.Name }

type note struct {
	Text string `json:"text"`
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func keeper(w *covertest.World) *documents.Keeper {
	return &documents.Keeper{Archive: w.ID, Signer: w.Archiver, Regions: []documents.Region{place{w.A}, place{w.B}}}
}

func keep(t *testing.T, k *documents.Keeper, at time.Time, text string) names.Document {
	t.Helper()
	d, err := k.Keep(context.Background(), names.FolderMarks, at, note{text})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// texts reads what a listing found.
func texts(t *testing.T, w *covertest.World, entries []documents.Entry) []string {
	t.Helper()
	var out []string
	for _, e := range entries {
		var n note
		if err := documents.Read(context.Background(), w.Archive(), e, &n); err != nil {
			n.Text = err.Error()
		}
		out = append(out, n.Text)
	}
	return out
}

func listed(t *testing.T, w *covertest.World, from, to time.Time) []string {
	t.Helper()
	entries, err := documents.List(context.Background(), w.Archive(), names.FolderMarks, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return texts(t, w, entries)
}

func TestKeepListRead(t *testing.T) {
	w := covertest.New(t)
	k := keeper(w)
	for i, text := range []string{"one", "two", "three"} {
		keep(t, k, noon.Add(time.Duration(i)*time.Second), text)
	}
	for _, c := range []struct {
		from, to time.Time
		want     []string
	}{
		{time.Time{}, time.Time{}, []string{"one", "two", "three"}},
		{noon.Add(time.Second), time.Time{}, []string{"two", "three"}},
		{noon.Add(time.Millisecond), noon.Add(time.Second), []string{"two"}},
		{time.Time{}, noon, []string{"one"}},
		{noon.Add(time.Hour), time.Time{}, nil},
	} {
		if got := listed(t, w, c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("[%s, %s]: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// TestRow88SameMillisecond: two writers, and one writer twice, write in the same
// millisecond (fault 88). All is kept; the same once more is one.
func TestRow88SameMillisecond(t *testing.T) {
	w := covertest.New(t)
	other := signed.NewSigner(signed.RoleArchive, covertest.Key("another archiver"))
	for _, r := range w.Regions() {
		r.Put(names.Signer(other.ID()), w.Introduction(other))
	}
	mine, theirs := keeper(w), keeper(w)
	theirs.Signer = other
	keep(t, mine, noon, "mine")
	keep(t, theirs, noon, "mine")
	keep(t, mine, noon, "mine, too")
	keep(t, mine, noon.Add(time.Microsecond), "mine")
	got := listed(t, w, noon, noon)
	slices.Sort(got)
	if want := []string{"mine", "mine", "mine, too"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// One region is enough; the other is named, and only an answer of none fails.
func TestKeepInOneRegion(t *testing.T) {
	w := covertest.New(t)
	k := keeper(w)
	var failed []string
	k.Failed = func(region string, _ names.Document, _ error) { failed = append(failed, region) }
	w.B.Down()
	keep(t, k, noon, "here")
	if !slices.Equal(failed, []string{"b"}) {
		t.Errorf("failed %v", failed)
	}
	w.A.Down()
	if _, err := k.Keep(context.Background(), names.FolderMarks, noon, note{"nowhere"}); err == nil || !errors.Is(err, covertest.ErrDown) {
		t.Errorf("%v", err)
	}
	w.A.Fail(nil)
	if got := listed(t, w, time.Time{}, time.Time{}); !slices.Equal(got, []string{"here"}) {
		t.Errorf("%v", got)
	}
}

// A copy that is damaged, or somebody else's, does not count; the other does.
func TestReadTakesTheSoundCopy(t *testing.T) {
	w := covertest.New(t)
	d := keep(t, keeper(w), noon, "sound")
	w.A.Flip(d.String(), 60)
	if got := listed(t, w, time.Time{}, time.Time{}); !slices.Equal(got, []string{"sound"}) {
		t.Errorf("%v", got)
	}
	w.B.Put(d.String(), w.Seal(signed.NewSigner(signed.RoleArchive, covertest.Key("thief")), signed.KindMark, note{"forged"}))
	if got := listed(t, w, time.Time{}, time.Time{}); len(got) != 1 || !strings.Contains(got[0], "region a") || !strings.Contains(got[0], "region b") {
		t.Errorf("%v", got)
	}
}

// A name that tidemark did not give is not read.
func TestListLeavesOutStrangers(t *testing.T) {
	w := covertest.New(t)
	keep(t, keeper(w), noon, "ours")
	w.A.Put("marks/notes.txt", []byte("x"))
	if got := listed(t, w, time.Time{}, time.Time{}); !slices.Equal(got, []string{"ours"}) {
		t.Errorf("%v", got)
	}
}

func TestNewest(t *testing.T) {
	w := covertest.New(t)
	k := keeper(w)
	keep(t, k, noon.Add(-400*24*time.Hour), "long ago")
	keep(t, k, noon.Add(-time.Minute), "before")
	keep(t, k, noon, "noon")
	for _, c := range []struct {
		at   time.Time
		span time.Duration
		want []string
	}{
		{noon, 0, []string{"noon"}},
		{time.Time{}, 0, []string{"noon"}},
		{noon.Add(20 * time.Minute), time.Hour, []string{"before", "noon"}},
		{noon.Add(-time.Millisecond), 0, []string{"before"}},
		{noon.Add(-time.Hour), time.Hour, []string{"long ago"}},
		{noon.Add(-401 * 24 * time.Hour), time.Hour, nil},
	} {
		entries, down, err := documents.Newest(context.Background(), w.Archive(), names.FolderMarks, c.at, c.span)
		if err != nil || len(down) != 0 {
			t.Fatal(down, err)
		}
		if got := texts(t, w, entries); !slices.Equal(got, c.want) {
			t.Errorf("at %s: %v, want %v", c.at, got, c.want)
		}
	}
	w.B.Down()
	if _, down, err := documents.Newest(context.Background(), w.Archive(), names.FolderMarks, noon, 0); err != nil || len(down) != 1 {
		t.Errorf("%v, %v", slices.Collect(maps.Keys(down)), err)
	}
}
