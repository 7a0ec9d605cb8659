package catalogue_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

func signer(role signed.Role, word string) *signed.Signer {
	seed := sha256.Sum256([]byte(word))
	return signed.NewSigner(role, ed25519.NewKeyFromSeed(seed[:]))
}

func trust(t *testing.T, archive names.ArchiveID) (*signed.Trust, *signed.Signer) {
	t.Helper()
	root, own := signer(signed.RoleRoot, "root"), signer(signed.RoleArchive, "archive")
	tr, err := signed.NewTrust(archive, root.Public())
	if err != nil {
		t.Fatal(err)
	}
	file, err := root.Seal(signed.KindSigner, signed.Introduction{Archive: archive, Role: own.Role, Key: own.Public(), Created: time.Unix(1, 0).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Introduce(file); err != nil {
		t.Fatal(err)
	}
	return tr, own
}

func page() *catalogue.Page {
	low, high := int64(1_790_000_000_000), int64(1_790_000_000_019)
	p := &catalogue.Page{
		Archive: names.ArchiveID{1}, Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{9}, Branch: names.RootBranch}, Partition: 3,
		Base: 0, Next: 20, From: time.Unix(1_789_948_800, 0).UTC(), To: time.Unix(1_790_035_200, 0).UTC(),
		Segments: []catalogue.Segment{{
			Base: 0, Next: 20, Digest: names.Digest{0xaa}, Size: 4711, Records: 20, MinTimestamp: &low, MaxTimestamp: &high,
			Created: time.Unix(1_790_000_000, 0).UTC(), RetainUntil: time.Unix(2_010_752_000, 0).UTC(),
		}},
	}
	p.Segments[0].Hold(held(0, 10), names.Digest{1})
	p.Segments[0].Hold(held(10, 20), names.Digest{2})
	return p
}

func held(base, next int64) names.Range {
	return names.Range{Base: base, Next: next, Digest: names.Short{byte(next)}, Kind: names.KindSegment}
}

// golden is the first line of a page; codec/FORMAT.md shows it.
const golden = `{"archive":"01000000000000000000000000000000","topic":"orders","lineage":"CQAAAAAAAAAAAAAAAAAAAA","partition":3,` +
	`"base":0,"next":20,"from":"2026-09-21T00:00:00Z","to":"2026-09-22T00:00:00Z","segments":[{"base":0,"next":20,` +
	`"digest":"aa00000000000000000000000000000000000000000000000000000000000000",` +
	`"prev":"0000000000000000000000000000000000000000000000000000000000000000","size":4711,"records":20,` +
	`"min_timestamp":1790000000000,"max_timestamp":1790000000019,"created":"2026-09-21T14:13:20Z","retain_until":"2033-09-19T14:13:20Z",` +
	`"holds":"CgAAAAAAAAAUAAAAAAAAAA==","ends":"0200000000000000000000000000000000000000000000000000000000000000"}]}`

func TestGolden(t *testing.T) {
	tr, own := trust(t, names.ArchiveID{1})
	name, file, err := catalogue.Seal(own, page())
	if err != nil {
		t.Fatal(err)
	}
	if line, _, _ := strings.Cut(string(file), "\n"); line != golden {
		t.Errorf("the page is\n%s\nwant\n%s", line, golden)
	}
	const want = "topics/orders/CQAAAAAAAAAAAAAAAAAAAA/catalogue/3/00000000000000000000-00000000000000000020-"
	if !strings.HasPrefix(name.String(), want) {
		t.Errorf("named %s", name)
	}
	p, err := catalogue.Open(name.String(), file, tr)
	if err != nil {
		t.Fatal(err)
	}
	s := &p.Segments[0]
	if s.Held() != 2 || !s.Has(held(0, 10)) || !s.Has(held(10, 20)) || s.Ends != (names.Digest{2}) {
		t.Errorf("%+v", s)
	}
	for _, other := range []names.Range{held(0, 9), {Base: 10, Next: 30, Digest: names.Short{20}, Kind: names.KindSegment}, {Base: 10, Next: 20, Digest: names.Short{20}, Kind: names.KindGap}} {
		if s.Has(other) {
			t.Errorf("it says to hold %s", other)
		}
	}
	if p.Name(s).String() != "topics/orders/CQAAAAAAAAAAAAAAAAAAAA/3/00000000000000000000-00000000000000000020-aa00000000000000.seg" {
		t.Errorf("its roll-up is %s", p.Name(s))
	}
}

// FORMAT.md shows the same page.
func TestGoldenIsInFormat(t *testing.T) {
	text, err := os.ReadFile("../FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ReplaceAll(string(text), "\n", ""), golden) {
		t.Error("codec/FORMAT.md shows another page")
	}
}

func TestOpenRefuses(t *testing.T) {
	tr, own := trust(t, names.ArchiveID{1})
	other, _ := trust(t, names.ArchiveID{2})
	name, file, err := catalogue.Seal(own, page())
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(file), `"size":4711`, `"size":4712`, 1)
	_, byOther, err := catalogue.Seal(signer(signed.RoleArchive, "stranger"), page())
	if err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		file  string
		name  string
		trust *signed.Trust
		want  error
	}{
		"changed":         {forged, name.String(), tr, signed.ErrSignature},
		"a stranger's":    {string(byOther), name.String(), tr, signed.ErrSignature},
		"another archive": {string(file), name.String(), other, signed.ErrSignature},
		"another name":    {string(file), strings.Replace(name.String(), "/3/", "/4/", 1), tr, segment.ErrName},
		"cut short":       {string(file[:100]), name.String(), tr, segment.ErrDamaged},
	} {
		if _, err := catalogue.Open(tt.name, []byte(tt.file), tt.trust); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", what, err, tt.want)
		}
	}
}

func TestRules(t *testing.T) {
	_, own := trust(t, names.ArchiveID{1})
	for what, change := range map[string]func(p *catalogue.Page){
		"topic":      func(p *catalogue.Page) { p.Topic = ".." },
		"partition":  func(p *catalogue.Page) { p.Partition = -1 },
		"span":       func(p *catalogue.Page) { p.To = p.From },
		"empty":      func(p *catalogue.Page) { p.Segments = nil },
		"base":       func(p *catalogue.Page) { p.Base = 1 },
		"next":       func(p *catalogue.Page) { p.Next = 21 },
		"no offsets": func(p *catalogue.Page) { p.Next, p.Segments[0].Next = 0, 0 },
		"overlap":    func(p *catalogue.Page) { p.Segments = append(p.Segments, p.Segments[0]) },
		"holds none": func(p *catalogue.Page) { p.Segments[0].Holds = nil },
		"half":       func(p *catalogue.Page) { p.Segments[0].Holds = p.Segments[0].Holds[:9] },
		"too many":   func(p *catalogue.Page) { p.Segments[0].Holds = make([]byte, 8*(catalogue.MaxHeld+1)) },
	} {
		p := page()
		change(p)
		if _, _, err := catalogue.Seal(own, p); err == nil {
			t.Errorf("%s: sealed all the same", what)
		}
	}
}
