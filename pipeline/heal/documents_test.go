package heal_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

type place struct{ *covertest.Region }

func (p place) Name() string { return p.Region.Name }

// keep puts a document of each folder into one region, locked for an hour.
func keep(t *testing.T, w *covertest.World, r *covertest.Region) []string {
	t.Helper()
	k := documents.Keeper{Archive: w.ID, Signer: w.Archiver, Regions: []documents.Region{place{r}}, RetainFor: time.Hour}
	var all []string
	for _, f := range names.Folders() {
		d, err := k.Keep(context.Background(), f, time.Now(), map[string]string{"in": r.Name})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d.String())
	}
	return all
}

// Documents are copied to the region that lacks them, under the lock that they
// have; a bad one is not.
func TestRunDocuments(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	here, there := keep(t, w, w.A), keep(t, w, w.B)
	w.B.Flip(there[0], 60)
	w.A.Put("marks/notes.txt", []byte("x"))
	r := run(t, w)
	if r.Objects != len(here)+len(there)-1 {
		t.Errorf("%d objects copied", r.Objects)
	}
	for _, name := range append(here, there[1:]...) {
		if a, b := w.A.Locked(name), w.B.Locked(name); a.IsZero() || !a.Equal(b) {
			t.Errorf("%s is locked until %s and %s", name, a, b)
		}
	}
	if got := kinds(r.Findings); len(got) != 4 || !slices.Contains(got, "forged b") || !slices.Contains(got, "misplaced a") {
		t.Errorf("findings %v", got)
	}
	if w.A.Object(there[0]) != nil || w.B.Object("marks/notes.txt") != nil {
		t.Error("a bad document was copied")
	}
	for _, k := range w.B.Keys() {
		if strings.HasSuffix(k, ".txt") {
			t.Error(k)
		}
	}
}
