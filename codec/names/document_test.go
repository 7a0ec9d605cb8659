package names_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

var mark = names.Document{
	Folder: names.FolderMarks, At: time.Date(2026, 11, 22, 10, 0, 0, 7e6, time.UTC),
	Writer: names.SignerID{0xfe}, Digest: names.Short{0xab},
}

func TestDocument(t *testing.T) {
	const want = "marks/20261122T100000.007Z-fe00000000000000-ab00000000000000.json"
	if mark.String() != want {
		t.Fatalf("%s, want %s", mark, want)
	}
	if got, err := names.ParseDocument(want); err != nil || got != mark || !names.IsDocument(want) {
		t.Errorf("%+v, %v", got, err)
	}
	local := mark
	local.At = mark.At.In(time.FixedZone("", 3600)).Add(999 * time.Microsecond)
	if local.String() != want {
		t.Errorf("in another zone %s", local)
	}
}

// A name of another folder, or one that climbs, never becomes a document.
func TestHostileDocuments(t *testing.T) {
	good := mark.String()
	for _, c := range []struct{ old, new string }{
		{"marks/", ""}, {"marks/", "/marks/"}, {"marks/", "Marks/"}, {"marks/", "marks//"}, {"marks/", "marks/../marks/"},
		{"marks/", "topics/"}, {"marks/", "signers/"}, {"20261122", "2026-11-22"}, {"20261122", "20261322"}, {".007Z", ".7Z"},
		{".007Z", "Z"}, {".007Z", ".0070Z"}, {".007Z", ".007+01:00"}, {"fe00", "FE00"}, {"fe00", "fe0"}, {"fe00", "xy00"},
		{"ab00", "AB00"}, {"ab00", "ab0"}, {".json", ""}, {".json", ".note"}, {".json", ".json/"}, {".json", "-0.json"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%q is not in the name", c.old)
		}
		if d, err := names.ParseDocument(bad); err == nil {
			t.Errorf("%q was accepted as %v", bad, d)
		}
	}
	for _, name := range []string{"marks", "archive.json", "topics/marks/x", first.String(), ""} {
		if names.IsDocument(name) {
			t.Errorf("%q passes for a document", name)
		}
	}
}

// Names sort by time, and LIST behind From begins with the first at or after it.
func TestDocumentsSortByTime(t *testing.T) {
	var list []string
	for _, d := range []time.Duration{0, 1, 999, 1000, 60_000, 86_400_000} {
		m := mark
		m.At = mark.At.Add(d * time.Millisecond)
		from := names.FolderMarks.From(m.At)
		if from > m.String() || len(list) > 0 && from < list[len(list)-1] {
			t.Errorf("from %s lists the wrong ones", from)
		}
		list = append(list, m.String())
	}
	if !slices.IsSorted(list) {
		t.Errorf("not sorted: %v", list)
	}
	if f := names.Folders(); !slices.IsSorted(f) || len(f) != 4 {
		t.Errorf("folders %v", f)
	}
}
