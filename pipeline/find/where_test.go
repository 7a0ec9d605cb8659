package find_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/fields"
	"github.com/tidemark-io/tidemark/pipeline/find"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

func ruleOf(t testing.TB, name string, paths ...string) *fields.Rule {
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

// orders makes a batch of ten orders, each of the customer that the last two
// digits of its offset say. Those that are spoilt break off.
func orders(t testing.TB, base int64, spoilt ...int64) []byte {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: base})
	for o := base; o < base+10; o++ {
		rec := covertest.Record(o)
		rec.Key = []byte(own(o))
		rec.Value = fmt.Appendf(nil, `{"id":%d,"who":{"customer":%d,"name":"n%d"}}`, o, o%100, o%7)
		if slices.Contains(spoilt, o) {
			rec.Value = fmt.Appendf(nil, `{"id":%d,"who":{"customer":%d`, o, o%100)
		}
		if err := b.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(out)
}

// fielded stores segments of 50 records in five blocks, each sealed with
// another configuration: with the field, without any, with another one.
func fielded(t testing.TB, w *covertest.World, customer *fields.Rule, spoilt ...int64) {
	t.Helper()
	with, err := fields.NewSet(nil, customer, ruleOf(t, "name", "who.name"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := fields.NewSet(nil, ruleOf(t, "customer", "id"))
	if err != nil {
		t.Fatal(err)
	}
	for i, covered := range []segment.Fields{with, nil, other, with} {
		base := int64(50 * i)
		s := covertest.Spec{Base: base, Next: base + 50, Options: segment.Options{BlockSize: 1, Filter: true, Fields: covered}}
		for o := base; o < base+50; o += 10 {
			s.Batches = append(s.Batches, orders(t, o, spoilt...))
		}
		w.Store(s)
	}
}

func where(t testing.TB, w *covertest.World, o find.Options, stats *find.Stats) (out []int64) {
	t.Helper()
	o.Stats = stats
	for hit, err := range find.Find(t.Context(), w.Archive(), "orders", nil, o) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, hit.Record.Offset)
	}
	return out
}

// TestFieldRulesBlocksOut: blocks whose filters cover the field are ruled out by
// them; segments sealed before it was configured, or with other paths under its
// name, are opened, and nothing is missed.
func TestFieldRulesBlocksOut(t *testing.T) {
	w := covertest.New(t)
	customer := ruleOf(t, "customer", "who.customer")
	fielded(t, w, customer)
	for _, tt := range []struct {
		values []string
		want   []int64
		opened int64 // of 20: 10 without the field in their filters
	}{
		{[]string{"42"}, []int64{42, 142}, 11},
		{[]string{"42.0"}, []int64{42, 142}, 11},
		{[]string{"4.2e1", "7"}, []int64{7, 42, 107, 142}, 12},
		{[]string{"nobody"}, nil, 10},
		{[]string{"77"}, []int64{77, 177}, 11},
	} {
		for _, x := range []find.Index{nil, newMemory()} {
			var stats find.Stats
			got := where(t, w, find.Options{Index: x, Where: []find.Where{{Rule: customer, Values: tt.values}}}, &stats)
			if !slices.Equal(got, tt.want) || stats.Unread != 0 {
				t.Errorf("%v: offsets %v, want %v", tt.values, got, tt.want)
			}
			// A filter may say maybe once too often.
			if stats.Blocks != 20 || stats.Opened < tt.opened || stats.Opened > tt.opened+2 {
				t.Errorf("%v: %+v, want %d blocks opened", tt.values, stats, tt.opened)
			}
		}
	}
}

// TestFieldsAndKeys: conditions on several fields and on the key must all be
// met, and bounds hold.
func TestFieldsAndKeys(t *testing.T) {
	w := covertest.New(t)
	customer, name := ruleOf(t, "customer", "who.customer"), ruleOf(t, "name", "who.name")
	fielded(t, w, customer)
	both := []find.Where{{Rule: customer, Values: []string{"42", "43"}}, {Rule: name, Values: []string{"n0"}}}
	if got := where(t, w, find.Options{Where: both}, &find.Stats{}); !slices.Equal(got, []int64{42}) {
		t.Errorf("both fields: %v", got)
	}
	if got := where(t, w, find.Options{Where: both[:1], Partitions: []int32{9}}, &find.Stats{}); got != nil {
		t.Errorf("another partition: %v", got)
	}
	keys := [][]byte{[]byte(own(143)), []byte(own(44))}
	var got []int64
	for hit, err := range find.Find(t.Context(), w.Archive(), "orders", keys, find.Options{Where: both[:1]}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, hit.Record.Offset)
	}
	if !slices.Equal(got, []int64{143}) {
		t.Errorf("key and field: %v", got)
	}
}

// TestFieldUnread: a value that cannot be read opens its block, and is counted;
// what else is in that block is found.
func TestFieldUnread(t *testing.T) {
	w := covertest.New(t)
	customer := ruleOf(t, "customer", "who.customer")
	fielded(t, w, customer, 3, 153)
	var stats find.Stats
	got := where(t, w, find.Options{Where: []find.Where{{Rule: customer, Values: []string{"5"}}}}, &stats)
	if !slices.Equal(got, []int64{5, 105}) {
		t.Errorf("offsets %v", got)
	}
	if stats.Unread != 2 {
		t.Errorf("%d unread, want 2", stats.Unread)
	}
	got = where(t, w, find.Options{Where: []find.Where{{Rule: customer, Values: []string{"3"}}}}, &stats)
	if !slices.Equal(got, []int64{103}) {
		t.Errorf("offsets %v: the spoilt one must be counted, not yielded", got)
	}
}
