package values_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/values"
)

func path(t testing.TB, text string) values.Path {
	t.Helper()
	p, err := values.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPaths(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "a.b": "a.b", "$.a.b": "a.b", "$a": `["$a"]`, "$[0]": "[0]", "[0].a": "[0].a", "items[0].sku": "items[0].sku", "a[0][12]": "a[0][12]",
		`["a.b"].c`: `["a.b"].c`, `a["b c"]`: "a.b c", `a["\""]`: `a["\""]`, `[""]`: `[""]`, "é.ü": "é.ü", `$["$x"].y`: `["$x"].y`,
	} {
		p, err := values.ParsePath(in)
		if err != nil || p.String() != want {
			t.Errorf("%s: %s, %v; want %s", in, p, err, want)
		}
		if again, err := values.ParsePath(p.String()); err != nil || !slices.Equal(again, p) {
			t.Errorf("%s reads back as %v, %v", p, again, err)
		}
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	for _, in := range []string{"", "$", "$.", ".", ".a", "a.", "a..b", "a[", "a[]", "a[-1]", "a[01]", "a[1", "a[x]", `a["x"`, `a["x]`, "a]", `a"b`, "a[0]b", "[99999999999]", strings.Repeat("a", 5000)} {
		if p, err := values.ParsePath(in); err == nil {
			t.Errorf("%.20q: %v", in, p)
		} else if !strings.Contains(err.Error(), "want keys and places") {
			t.Errorf("%.20q: %v", in, err)
		}
	}
}

func TestGet(t *testing.T) {
	tree, err := values.ParseJSON([]byte(`{"a":{"b":null,"c.d":[10,{"e":"x"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]any{"a.b": nil, `a["c.d"][0]`: json.Number("10"), `a["c.d"][1].e`: "x"} {
		if v, ok := values.Get(tree, path(t, text)); !ok || v != want {
			t.Errorf("%s: %v, %v", text, v, ok)
		}
	}
	for _, text := range []string{"b", "a.b.c", `a["c.d"][2]`, "a[0]", `a["c.d"].x`} {
		if v, ok := values.Get(tree, path(t, text)); ok {
			t.Errorf("%s: %v", text, v)
		}
	}
}

func scan(text []byte, paths []values.Path) map[int][]string {
	found := map[int][]string{}
	values.Scan(text, paths, func(i int, v []byte) { found[i] = append(found[i], string(v)) })
	return found
}

func TestScan(t *testing.T) {
	paths := []values.Path{path(t, "customer.email"), path(t, "items[1].sku"), path(t, "n"), path(t, "customer"), path(t, "t"), path(t, "gone"), path(t, "customer.email")}
	got := scan([]byte(`{"n": 1.50,"items":[{"sku":"a"},{"sku":"b\u0041"}],"customer":{"email":"x@y.z","email":"2"},"t":true}`), paths)
	for i, want := range [][]string{{"x@y.z", "2"}, {"bA"}, {"1.50"}, nil, {"true"}, nil, {"x@y.z", "2"}} {
		if !slices.Equal(got[i], want) {
			t.Errorf("%s: %q, want %q", paths[i], got[i], want)
		}
	}
	if found := scan([]byte(`{"n":null,"t":{},"gone":[]}`), paths); len(found) != 0 {
		t.Errorf("null, objects and arrays: %v", found)
	}
	if found := scan([]byte(connect), []values.Path{path(t, "after.id"), path(t, "payload.op")}); !slices.Equal(found[0], []string{"9007199254740993"}) || found[1] != nil {
		t.Errorf("in Connect's envelope: %v", found)
	}
	for _, broken := range []string{"", "{", `{"n"`, `{"n":`, `{"n":1`, "\xff", `[[[[`} {
		scan([]byte(broken), paths)
	}
}

func TestJSONText(t *testing.T) {
	for in, want := range map[string]bool{`{"a":1}`: true, " [1]": true, "\x00\x00\x00\x00\x07{}": true, "12": false, "": false, "\x00\x00\x00\x00\x07\x02": false} {
		text, ok := values.JSONText([]byte(in))
		if ok != want || ok && text[0] == 0 {
			t.Errorf("%q: %q, %v", in, text, ok)
		}
	}
}

// TestScanAllocates little: it runs over every value that is archived.
func TestScanAllocatesLittle(t *testing.T) {
	text, paths := []byte(`{"a":1,"items":[{"sku":"a"},{"sku":"b"}],"customer":{"email":"x@y.z"}}`), []values.Path{path(t, "customer.email")}
	n := testing.AllocsPerRun(100, func() { values.Scan(text, paths, func(int, []byte) {}) })
	if n > 8 {
		t.Errorf("%v allocations a value", n)
	}
}

func BenchmarkScan(b *testing.B) {
	text, paths := []byte(connect), []values.Path{path(b, "after.id"), path(b, "op")}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		values.Scan(text, paths, func(int, []byte) {})
	}
}
