package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

// sealed is the evidence of a drill that found something.
func sealed(t *testing.T, w *world) *Evidence {
	t.Helper()
	w.produce("orders", 1, 4)
	w.B.Remove(w.archive("orders", 0, 0, nil)[0].Name.String())
	e, err := Seal(w.Archiver, w.Introduction(w.Archiver), w.run(w.options("orders")))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pins is a stranger's trust: the id and the root's public key.
func pins(t *testing.T, id names.ArchiveID, root *signed.Signer) *signed.Trust {
	t.Helper()
	trust, err := signed.NewTrust(id, root.Public())
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// The file alone proves itself to who has the pinned root, and says all that was
// found.
func TestCheck(t *testing.T) {
	w := newWorld(t, 1, "orders")
	e := sealed(t, w)
	got, err := Check(e.File, pins(t, w.ID, w.Root))
	if err != nil || got.Name != e.Name || got.Result.Outcome != OutcomeFailed || got.Result.FindingCount != 1 || got.Result.Sample.Seed != 7 {
		t.Fatalf("%+v, %v", got, err)
	}
	was, is := asJSON(t, e.Result), asJSON(t, got.Result)
	if !bytes.Equal(was, is) {
		t.Errorf("sealed\n%s\nread\n%s", was, is)
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A result that was changed, or is signed by somebody else, proves nothing.
func TestCheckRefuses(t *testing.T) {
	w := newWorld(t, 1, "orders")
	e := sealed(t, w)
	thief := signed.NewSigner(signed.RoleRoot, covertest.Key("thief"))
	forger := signed.NewSigner(signed.RoleArchive, covertest.Key("forger"))
	forged, err := Seal(forger, w.Seal(thief, signed.KindSigner, signed.Introduction{Archive: w.ID, Role: signed.RoleArchive, Key: forger.Public()}), e.Result)
	if err != nil {
		t.Fatal(err)
	}
	borrowed, err := Seal(forger, w.Introduction(w.Archiver), e.Result)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file  []byte
		trust *signed.Trust
	}{
		"another outcome":     {bytes.Replace(e.File, []byte(`"failed"`), []byte(`"passed"`), 1), pins(t, w.ID, w.Root)},
		"a forger":            {forged.File, pins(t, w.ID, w.Root)},
		"borrowed authority":  {borrowed.File, pins(t, w.ID, w.Root)},
		"another root":        {e.File, pins(t, w.ID, thief)},
		"another archive":     {e.File, pins(t, names.ArchiveID{9}, w.Root)},
		"cut":                 {e.File[:len(e.File)-20], pins(t, w.ID, w.Root)},
		"nothing":             {nil, pins(t, w.ID, w.Root)},
		"text":                {[]byte("passed\nby me\n"), pins(t, w.ID, w.Root)},
		"a kind of its own":   {w.Seal(w.Archiver, signed.KindGap, e.Result), pins(t, w.ID, w.Root)},
		"without a signature": {append(asJSON(t, e.Result), '\n'), pins(t, w.ID, w.Root)},
	} {
		if got, err := Check(c.file, c.trust); err == nil {
			t.Errorf("%s: %+v", name, got.Result.Outcome)
		}
	}
	if _, err := Check(forged.File, pins(t, w.ID, w.Root)); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("a forger: %v", err)
	}
}

// What is kept in the archive is the very file that was handed out.
func TestKept(t *testing.T) {
	w := newWorld(t, 1, "orders")
	e := sealed(t, w)
	keeper := documents.Keeper{Archive: w.ID, Signer: w.Archiver, Regions: []documents.Region{named{w.A}, named{w.B}}}
	name, err := keeper.Keep(t.Context(), names.FolderDrills, e.Result.Started, e.Result)
	if err != nil || name != e.Name || !bytes.Equal(w.A.Object(name.String()), e.File) {
		t.Fatalf("%s, %v; signed as %s", name, err, e.Name)
	}
	entries, err := documents.List(t.Context(), w.Archive(), names.FolderDrills, time.Time{}, time.Time{})
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	var r Result
	if err := documents.Read(t.Context(), w.Archive(), entries[0], &r); err != nil || r.Outcome != OutcomeFailed {
		t.Errorf("%+v, %v", r, err)
	}
}

type named struct{ *covertest.Region }

func (n named) Name() string { return n.Region.Name }

func (n named) Ensure(ctx context.Context, name string, body []byte, until time.Time) error {
	return n.Region.Ensure(ctx, name, body, until)
}

// A result of very many partitions and findings is still a signed file, and says
// what it leaves out.
func TestLongResult(t *testing.T) {
	w := covertest.New(t)
	r := &Result{Archive: w.ID, Started: time.UnixMilli(1), FindingCount: maxFindings, Outcome: OutcomeFailed}
	for i := range int32(20_000) {
		r.Partitions = append(r.Partitions, Row{Topic: strings.Repeat("t", 200), Partition: i})
	}
	for range maxFindings {
		r.Findings = append(r.Findings, cover.Finding{Kind: KindMissing, Detail: strings.Repeat("d", maxText), Object: strings.Repeat("o", 400)})
	}
	e, err := Seal(w.Archiver, w.Introduction(w.Archiver), r)
	if err != nil || len(e.File) > signed.MaxFile {
		t.Fatalf("%d bytes, %v", len(e.File), err)
	}
	if len(e.Result.Partitions)+e.Result.Unlisted != 20_000 || e.Result.FindingCount != maxFindings || len(r.Partitions) != 20_000 {
		t.Errorf("%d rows and %d unlisted", len(e.Result.Partitions), e.Result.Unlisted)
	}
}

// The page stands alone: no script, nothing from elsewhere, everything escaped.
func TestPage(t *testing.T) {
	w := newWorld(t, 1, "orders")
	e := sealed(t, w)
	e.Result.Notes = append(e.Result.Notes, `<script>alert("x")</script>`)
	var page bytes.Buffer
	if err := e.HTML(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	if found := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|src=|href=|@import|url\(|https?:|ZgotmplZ`).FindString(text); found != "" {
		t.Errorf("the page has %q", found)
	}
	for _, want := range []string{e.Name.Writer.String(), "absent", "drill -c tidemark.yaml --check", e.Result.Archive.String(), "orders/0", "&lt;script&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, o := range []Outcome{OutcomePassed, OutcomeMissed, OutcomeFailed} {
		e.Result.Outcome = o
		if err := (&Evidence{Result: e.Result}).HTML(&page); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(page.String(), "This result is not signed") {
		t.Error("a result without a file passes for signed")
	}
}
