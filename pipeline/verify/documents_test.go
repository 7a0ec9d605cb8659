package verify_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/verify"
)

// Documents outside the topics are looked at in each region: what one lacks,
// what was changed, what bears another name or belongs to another archive.
func TestDocuments(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	put := func(id names.ArchiveID, f names.Folder, in ...*covertest.Region) string {
		name, file, err := w.Archiver.SealDocument(id, f, at, signed.Mark{Topics: []signed.MarkTopic{}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range in {
			r.Put(name.String(), file)
		}
		return name.String()
	}
	look := func(want ...string) {
		t.Helper()
		r, err := verify.Run(context.Background(), w.Archive(), verify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Findings {
			got = append(got, fmt.Sprintf("%s %s", f.Kind, f.Region))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	whole := put(w.ID, names.FolderMarks, w.A, w.B)
	look()
	put(w.ID, names.FolderDrills, w.A)
	look("absent b")
	put(w.ID, names.FolderDrills, w.B)
	w.B.Flip(whole, 40)
	look("forged b")
	w.B.Put(whole, w.A.Object(whole))
	put(names.ArchiveID{9}, names.FolderACLs, w.A, w.B)
	look("forged a", "forged b")
}
