package sets_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/sets"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type place struct{ *covertest.Region }

func (p place) Name() string { return p.Region.Name }

type page struct {
	sets.Head
	Text string `json:"text"`
	Note string `json:"note,omitempty"` // tells two documents apart
}

func join(parts []page) (string, error) {
	var text []string
	for _, p := range parts {
		text = append(text, p.Text)
	}
	if all := strings.Join(text, ""); all != parts[0].Set {
		return "", errors.New("not the set that it says: " + all)
	}
	return parts[0].Set, nil
}

type world struct{ *covertest.World }

func (w world) keep(t *testing.T, at time.Time, pages ...page) (kept []names.Document) {
	t.Helper()
	k := &documents.Keeper{Archive: w.ID, Signer: w.Archiver, Regions: []documents.Region{place{w.A}, place{w.B}}}
	for _, p := range pages {
		d, err := k.Keep(context.Background(), names.FolderACLs, at, p)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, d)
	}
	return kept
}

func newest(t *testing.T, w world, at time.Time) (*sets.Set[string], error) {
	t.Helper()
	return sets.Newest(t.Context(), w.Archive(), names.FolderACLs, at, join)
}

func pageOf(set string, part, parts int, text string) page {
	return page{Head: sets.Head{Set: set, Part: part, Parts: parts}, Text: text}
}

func noted(p page) page {
	p.Note = "again"
	return p
}

// TestOnlyWholeSetsCount: what lacks a part, has one twice, has one of another
// set, or does not make up what it says, is passed over, and that is told.
func TestOnlyWholeSetsCount(t *testing.T) {
	for name, bad := range map[string][]page{
		"a part is missing":   {pageOf("xyz", 1, 3, "x"), pageOf("xyz", 3, 3, "z")},
		"a part is too many":  {pageOf("xyz", 1, 2, "x"), pageOf("xyz", 2, 2, "y"), pageOf("xyz", 3, 2, "z")},
		"a part is twice":     {pageOf("x", 1, 2, "x"), noted(pageOf("x", 1, 2, "x"))},
		"a part is another's": {pageOf("xy", 1, 2, "x"), pageOf("zy", 2, 2, "y")},
		"part 0":              {pageOf("x", 0, 1, "x")},
		"not what it says":    {pageOf("xy", 1, 1, "x")},
	} {
		w := world{covertest.New(t)}
		w.keep(t, noon, pageOf("old", 1, 2, "o"), pageOf("old", 2, 2, "ld"))
		w.keep(t, noon.Add(time.Hour), bad...)
		s, err := newest(t, w, time.Time{})
		if err != nil || s.What != "old" || !s.At.Equal(noon) || len(s.Skipped) != 1 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestNewest(t *testing.T) {
	w := world{covertest.New(t)}
	if _, err := newest(t, w, time.Time{}); !errors.Is(err, sets.ErrNone) {
		t.Errorf("an empty archive: %v", err)
	}
	w.keep(t, noon, pageOf("a", 1, 1, "a"))
	w.keep(t, noon.Add(time.Hour), pageOf("bc", 2, 2, "c"), pageOf("bc", 1, 2, "b"))
	for at, want := range map[time.Time]string{noon: "a", noon.Add(time.Minute): "a", noon.Add(time.Hour): "bc", {}: "bc"} {
		if s, err := newest(t, w, at); err != nil || s.What != want || s.Digest != want {
			t.Errorf("at %s: %+v, %v", at, s, err)
		}
	}
	if _, err := newest(t, w, noon.Add(-time.Millisecond)); !errors.Is(err, sets.ErrNone) {
		t.Errorf("before the first: %v", err)
	}
	w.A.Down()
	if s, err := newest(t, w, time.Time{}); err != nil || s.What != "bc" || len(s.Down) != 1 {
		t.Errorf("with a region down: %+v, %v", s, err)
	}
}
