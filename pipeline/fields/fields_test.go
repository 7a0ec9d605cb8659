package fields_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/fields"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

func rule(t testing.TB, name string, paths ...string) *fields.Rule {
	t.Helper()
	var parsed []values.Path
	for _, text := range paths {
		p, err := values.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, p)
	}
	r, err := fields.NewRule(name, parsed...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func set(t testing.TB, rules ...*fields.Rule) *fields.Set {
	t.Helper()
	s, err := fields.NewSet(nil, rules...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read lists what a set finds of one rule.
func read(s *fields.Set, r *fields.Rule, value string) (found []string, ok bool) {
	ok = s.Read([]byte(value), func(i int, v []byte) {
		if i == s.Index(r.ID()) {
			found = append(found, string(v))
		}
	})
	return found, ok
}

// TestRead: what is a value of a field, row by row.
func TestRead(t *testing.T) {
	deep := strings.Repeat(`{"x":`, 600) + "1" + strings.Repeat("}", 600)
	for _, tt := range []struct {
		path, value string
		want        []string
		unread      bool
	}{
		{"a", `{"a":"x"}`, []string{"x"}, false},
		{"a", ` { "b" : [ ] , "a" : "x" } `, []string{"x"}, false},
		{"a", `{"a":42}`, []string{"42"}, false},
		{"a", `{"a":true,"b":false}`, []string{"true"}, false},
		{"a", `{"a":null}`, nil, false},
		{"a", `{"a":{}}`, nil, false},
		{"a", `{"a":{"a":"x"}}`, nil, false},
		{"a", `{"b":"x"}`, nil, false},
		{"a", `{"a":""}`, []string{""}, false},
		{"a", `{"a":1,"a":2}`, []string{"1", "2"}, false},
		{"a.b", `{"a":{"b":"x","c":{"b":"y"}},"b":"z"}`, []string{"x"}, false},
		{"a", `{"\u0061":"\u00e9\n\"\ud83d\ude00"}`, []string{"é\n\"😀"}, false},
		{"a", `{"a":"\ud83dx"}`, []string{"\ufffdx"}, false},
		{"a", `{"a":["x",1,{"a":"y"},["z"],null]}`, []string{"x", "1"}, false},
		{"a.b", `{"a":[{"b":1},{"b":2},{"c":3}]}`, []string{"1", "2"}, false},
		{"a[1].b", `{"a":[{"b":1},{"b":2}]}`, []string{"2"}, false},
		{"a[0][1]", `{"a":[["x","y"],["z"]]}`, []string{"y"}, false},
		{"[0].a", `[{"a":"x"},{"a":"y"}]`, []string{"x"}, false},
		{"a", `[{"a":"x"},{"a":"y"}]`, []string{"x", "y"}, false},
		{"after.email", `{"schema":{"type":"struct"},"payload":{"before":null,"after":{"email":"x"},"op":"c"}}`, []string{"x"}, false},
		{"payload.a", `{"payload":{"a":"x"}}`, []string{"x"}, false},
		{"a", `{"payload":{"payload":{"a":"x"}}}`, nil, false},
		{`["a.b"]["c\"d"]`, `{"a.b":{"c\"d":"x"}}`, []string{"x"}, false},
		{"a", "\x00\x00\x00\x00\x07" + `{"a":"x"}`, []string{"x"}, false},
		{"a", ``, nil, false},
		{"a", `"a"`, nil, false},
		{"a", `12`, nil, false},
		{"a", `{"a":"x"`, nil, true},
		{"a", `{"a":"x"} {}`, nil, true},
		{"a", `{"a":"x",}`, nil, true},
		{"a", `{"a":01}`, nil, true},
		{"a", `{"a":tru}`, nil, true},
		{"a", `{"a":"x` + "\n" + `"}`, nil, true},
		{"a", `{"a":"\x"}`, nil, true},
		{"a", `{'a':1}`, nil, true},
		{"a", `hello`, nil, true},
		{"a", "\x00\x00\x00\x00\x07\x02\x06avro", nil, true},
		{"a", deep, nil, true},
	} {
		r := rule(t, "f", tt.path)
		got, ok := read(set(t, r), r, tt.value)
		if ok == tt.unread || !tt.unread && !slices.Equal(got, tt.want) {
			t.Errorf("%s in %.60s: %q, read %t; want %q", tt.path, tt.value, got, ok, tt.want)
		}
	}
}

// TestSeveralPaths: a field has the values of all its paths, and several fields
// are read in one pass.
func TestSeveralPaths(t *testing.T) {
	email, id := rule(t, "email", "before.email", "after.email"), rule(t, "id", "after.id", "before.id")
	s := set(t, id, email)
	value := `{"before":{"id":7,"email":"old"},"after":{"id":7.0,"email":"new"},"op":"u"}`
	if got, ok := read(s, email, value); !ok || !slices.Equal(got, []string{"old", "new"}) {
		t.Errorf("email %q", got)
	}
	if got, ok := read(s, id, value); !ok || !slices.Equal(got, []string{"7", "7"}) {
		t.Errorf("id %q", got)
	}
}

// TestIDs: an id is of the paths, in whatever order and under whatever name.
func TestIDs(t *testing.T) {
	a, b := rule(t, "a", "x", "$.y[0]", "x"), rule(t, "b", "y[0]", "$.x")
	if a.ID() != b.ID() || a.ID() == rule(t, "a", "x").ID() || a.ID() == rule(t, "a", "x", "y.0").ID() {
		t.Error("ids do not follow the paths")
	}
	// FORMAT.md, section 1.4: a change here makes every filter useless.
	if got := fmt.Sprintf("%x", rule(t, "customer", "user_id").ID()); got != "9f6c61461eb09f46" {
		t.Errorf("id of user_id is %s", got)
	}
	if s := set(t, a, b); len(s.IDs()) != 1 {
		t.Errorf("%d ids", len(s.IDs()))
	}
	for _, name := range []string{"", "0a", "a b", "a=b", "-a", strings.Repeat("a", 65), "é"} {
		if _, err := fields.NewRule(name, values.Path{{Key: "a", Index: -1}}); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
	if _, err := fields.NewRule("a"); err == nil {
		t.Error("a field without a path was accepted")
	}
	if _, err := fields.NewSet(nil); err == nil {
		t.Error("a set without a field was accepted")
	}
}

// TestNumbers: equal numbers have one form, and other numbers another.
func TestNumbers(t *testing.T) {
	zeros := strings.Repeat("0", 50)
	for want, same := range map[string][]string{
		"0":                              {"0", "-0", "0.000", "-0.0e5", "0e-9"},
		"42":                             {"42", "42.0", "4.2e1", "4200E-2", "0.042e+3"},
		"-42":                            {"-42", "-42.00"},
		"125e-1":                         {"12.5", "12.50", "1250e-2"},
		"-5e-3":                          {"-0.005", "-5e-3"},
		"1" + zeros[:39]:                 {"1e39", "10e38", "1" + zeros[:39]},
		"1e50":                           {"1e50", "1" + zeros, "0.1e51"},
		"123456789012345678901234567890": {"123456789012345678901234567890", "123456789012345678901234567890.0"},
		"1E" + strings.Repeat("9", 19):   {"1E" + strings.Repeat("9", 19)},
		"1e" + strings.Repeat("9", 18):   {"1e" + strings.Repeat("9", 18)},
		"12345678901234567890123456789012345678901": nil,
	} {
		r := rule(t, "f", "a")
		for _, text := range same {
			if got, _ := read(set(t, r), r, `{"a":`+text+`}`); !slices.Equal(got, []string{want}) {
				t.Errorf("%s is %q, want %s", text, got, want)
			}
		}
	}
}

// TestForms: what a person types means a text, and a number if it is one.
func TestForms(t *testing.T) {
	for text, want := range map[string][]string{
		"42": {"42"}, "42.0": {"42.0", "42"}, "x": {"x"}, "": {""}, "true": {"true"}, "007": {"007"}, "1e": {"1e"}, "12.50": {"12.50", "125e-1"}, "4 ": {"4 "},
	} {
		var got []string
		for _, f := range fields.Forms(text) {
			got = append(got, string(f))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q means %q, want %q", text, got, want)
		}
	}
}

// TestTrees: what a decoder gives is read as JSON would be.
func TestTrees(t *testing.T) {
	r := rule(t, "f", "a.b", "c[1]", "d")
	trees := func(value []byte) (any, bool) {
		return map[string]any{
			"a": []any{map[string]any{"b": json.Number("12.50")}, []any{map[string]any{"b": "no"}}},
			"c": []any{"no", true}, "d": []byte{1, 2},
		}, string(value) == "avro"
	}
	s, err := fields.NewSet(trees, r)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := read(s, r, "avro")
	if slices.Sort(got); !ok || !slices.Equal(got, []string{"\x01\x02", "125e-1", "true"}) {
		t.Errorf("%q, %t", got, ok)
	}
	if _, ok := read(s, r, "other"); ok {
		t.Error("what cannot be decoded was read")
	}
}

// FuzzRead: what is read is JSON to Go's own reader as well, and the other way
// round; a number keeps its value.
func FuzzRead(f *testing.F) {
	for _, s := range []string{`{"a":1.5e3}`, `{"a":["x",{"a":-0}]}`, `[{"a":"\u00e9\\"}]`, `{"a":"\ud800"}`, `{"payload":{"a":2}}`, `nul`, `{"a":1e999}`} {
		f.Add([]byte(s))
	}
	r := rule(f, "f", "a", "[0].a")
	f.Fuzz(func(t *testing.T, value []byte) {
		s := set(t, r)
		var found []string
		ok := s.Read(value, func(_ int, v []byte) { found = append(found, string(v)) })
		if len(value) == 0 || value[0] == 0 || strings.Count(string(value), "{")+strings.Count(string(value), "[") > 500 {
			return
		}
		if want := json.Valid(value); ok != want {
			t.Fatalf("%q: read %t, JSON %t", value, ok, want)
		}
		var plain struct{ A json.Number }
		if ok && json.Unmarshal(value, &plain) == nil && plain.A != "" && strings.Count(string(value), "a") == 1 && strings.Contains(string(value), `"a":`+plain.A.String()) {
			sameNumber(t, plain.A.String(), found)
		}
	})
}

func sameNumber(t *testing.T, text string, found []string) {
	if len(text) > 30 || strings.ContainsAny(text, "eE") && len(text) > 8 {
		return // big would take its time
	}
	a, okA := new(big.Rat).SetString(text)
	if len(found) != 1 || !okA {
		t.Fatalf("%s: found %q", text, found)
	}
	if b, ok := new(big.Rat).SetString(found[0]); !ok || a.Cmp(b) != 0 {
		t.Fatalf("%s became %s", text, found[0])
	}
}

// order is an event of 237 bytes.
var order = []byte(`{"event_id":"1234567890123456789","type":"OrderCreated","order_id":"ord-000000042","user_id":"u-0000042","amount":"012.34","currency":"EUR","items":[{"sku":"SKU-00042","qty":3,"price":"17.99"}],"consent_token":"00112233445566778899aabb"}`)

func TestReadAllocatesNothing(t *testing.T) {
	if len(order) != 237 {
		t.Fatalf("the order has %d bytes", len(order))
	}
	s := set(t, rule(t, "customer", "user_id"), rule(t, "sku", "items.sku"), rule(t, "amount", "amount"))
	n, found := 0, func(int, []byte) {}
	for _, value := range [][]byte{order, []byte(`{"user_id":12.50,"amount":"a\u00e9"}`)} {
		if got := testing.AllocsPerRun(200, func() { n++; s.Read(value, found) }); got != 0 {
			t.Errorf("%v allocations to read %.20s", got, value)
		}
	}
}

// BenchmarkRead reads orders of 237 bytes, with one field and with three.
func BenchmarkRead(b *testing.B) {
	one := rule(b, "customer", "user_id")
	three := []*fields.Rule{one, rule(b, "sku", "items.sku"), rule(b, "amount", "amount")}
	for n, s := range map[string]*fields.Set{"1": set(b, one), "3": set(b, three...)} {
		b.Run("fields="+n, func(b *testing.B) {
			b.SetBytes(int64(len(order)))
			b.ReportAllocs()
			found := func(int, []byte) {}
			for b.Loop() {
				s.Read(order, found)
			}
		})
	}
}
