package names_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

var (
	orders = names.Partition{Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{0x70, 1}, Branch: names.RootBranch}, Number: 3}
	first  = names.Range{Partition: orders, Base: 5, Next: 1000, Digest: names.Short{0xab, 1}, Kind: names.KindSegment}
)

func TestRangeNames(t *testing.T) {
	branched := first
	branched.Partition.Lineage.Branch, branched.Kind, branched.Next = 12, names.KindGap, math.MaxInt64
	erase := first
	erase.Kind, erase.Base = names.KindErase, 0
	for r, want := range map[names.Range]string{
		first:    "topics/orders/cAEAAAAAAAAAAAAAAAAAAA/3/00000000000000000005-00000000000000001000-ab01000000000000.seg",
		branched: "topics/orders/cAEAAAAAAAAAAAAAAAAAAA.e12/3/00000000000000000005-09223372036854775807-ab01000000000000.gap",
		erase:    "topics/orders/cAEAAAAAAAAAAAAAAAAAAA/3/00000000000000000000-00000000000000001000-ab01000000000000.erase",
	} {
		if r.String() != want {
			t.Errorf("%s, want %s", r, want)
		}
		if back, err := names.ParseRange(want); err != nil || back != r {
			t.Errorf("%s reads as %v, %v", want, back, err)
		}
	}
}

// TestHostileNames changes a good name in many ways (fault 63): none may become
// a path or a second name of one object.
func TestHostileNames(t *testing.T) {
	good := first.String()
	for _, c := range []struct{ old, new string }{
		{"topics/", "topics//"}, {"topics/", ""}, {"topics/", "/topics/"}, {"topics/", "Topics/"},
		{"orders", ".."}, {"orders", "."}, {"orders", ""}, {"orders", "a/b"}, {"orders", "%2e%2e"}, {"orders", "a\x00b"},
		{"orders", "ä"}, {"orders", strings.Repeat("a", 250)}, {"orders", "a b"}, {"orders", "a\nb"}, {"orders", `a\b`},
		{"cAEA", "cAE"}, {"cAEA", "cA=A"}, {"AAA/3", "AAB/3"}, {"AAA/3", "AAA.e/3"}, {"AAA/3", "AAA.e01/3"}, {"AAA/3", "AAA.e-1/3"},
		{"AAA/3", "AAA.e2147483648/3"}, {"/3/", "/03/"}, {"/3/", "/-3/"}, {"/3/", "/+3/"}, {"/3/", "/2147483648/"}, {"/3/", "//"},
		{"00000000000000000005", "5"}, {"00000000000000000005", "-0000000000000000005"}, {"00000000000000000005", "00000000000000001000"},
		{"00000000000000001000", "99999999999999999999"}, {"00000000000000001000", "+0000000000000001000"},
		{"ab01", "AB01"}, {"ab01", "ab0"}, {"ab01", "xy01"}, {".seg", ""}, {".seg", ".tmp"}, {".seg", ".seg.seg"}, {".seg", ".seg/"}, {".seg", ".SEG"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%q is not in the name", c.old)
		}
		if r, err := names.ParseRange(bad); err == nil {
			t.Errorf("%q was accepted as %v", bad, r)
		}
	}
}

func TestNamesSortByBase(t *testing.T) {
	var list []string
	for _, base := range []int64{0, 9, 10, 99, 1 << 40, math.MaxInt64 - 1} {
		r := first
		r.Base, r.Next = base, base+1
		list = append(list, r.String())
		if after := orders.After(base); after > r.String() || base > 0 && after < list[max(len(list)-2, 0)] {
			t.Errorf("After(%d) = %s", base, after)
		}
	}
	if !slices.IsSorted(list) {
		t.Errorf("not sorted: %v", list)
	}
	if !strings.HasPrefix(list[0], orders.Prefix()) || !strings.HasPrefix(list[0], names.TopicPrefix("orders")) ||
		!strings.HasPrefix(list[0], names.TopicPrefix("")) || orders.After(-1) != orders.After(0) {
		t.Error("prefixes do not match")
	}
}

func TestTopicRule(t *testing.T) {
	for _, good := range []string{"a", "...", "Orders.v2_eu-1", strings.Repeat("x", 249)} {
		if err := names.CheckTopic(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ".", "..", strings.Repeat("x", 250), "a/b", "a\x00", "%2e", "a b", "é"} {
		if names.CheckTopic(bad) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestIdentifierTexts(t *testing.T) {
	page := names.PageID{0xab}
	text, _ := page.MarshalText()
	var back names.PageID
	if err := back.UnmarshalText(text); err != nil || back != page {
		t.Errorf("%s reads as %v, %v", text, back, err)
	}
	for _, bad := range []string{"", strings.ToUpper(string(text)), string(text[1:]), string(text) + "00", "zz" + string(text[2:])} {
		if back.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	var l names.Lineage
	if err := l.UnmarshalText([]byte("cAEAAAAAAAAAAAAAAAAAAA.e7")); err != nil || l.Branch != 7 || l.Topic != orders.Lineage.Topic {
		t.Errorf("lineage %v, %v", l, err)
	}
	if d := (names.Digest{1, 2, 3, 4, 5, 6, 7, 8, 9}); d.Short().String() != "0102030405060708" || d.IsZero() || !(names.Digest{}).IsZero() {
		t.Error("digests")
	}
}

func TestOtherNames(t *testing.T) {
	at := time.Date(2026, 11, 21, 10, 0, 0, 5e6, time.FixedZone("", 3600))
	config := names.TopicConfig("orders", orders.Lineage, at, names.Short{1})
	for got, want := range map[string]string{
		names.Signer(names.SignerID{0xfe}): "signers/fe00000000000000.json",
		names.Page(names.PageID{0xfe}):     "pages/fe000000000000000000000000000000.keys",
		names.KEK(names.KEKID{0xfe}):       "kek/fe000000000000000000000000000000.json",
		config:                             "topics/orders/cAEAAAAAAAAAAAAAAAAAAA/config/20261121T090000.005Z-0100000000000000.json",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if !names.IsTopicConfig(config) || names.IsTopicConfig(first.String()) || !strings.HasPrefix(config, names.TopicConfigPrefix("orders", orders.Lineage)) {
		t.Error("settings files are not told from segments")
	}
}

// FuzzParseRange: what parses prints again to the same text, and stays below
// its partition.
func FuzzParseRange(f *testing.F) {
	f.Add(first.String())
	f.Add("topics/../../x/00000000000000000005-00000000000000001000-ab01000000000000.seg")
	f.Fuzz(func(t *testing.T, name string) {
		r, err := names.ParseRange(name)
		if err != nil {
			if r != (names.Range{}) {
				t.Fatalf("%q: %v in spite of %v", name, r, err)
			}
			return
		}
		if r.String() != name || r.Validate() != nil || strings.Contains(name, "/../") || strings.Contains(name, "//") {
			t.Fatalf("%q was accepted", name)
		}
	})
}
