package events

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

var testPlace = Place{Topic: Orders, Partition: 3}

// produced notes n records; every tenth offset is a marker, and those from 40
// to 49 are aborted.
func produced(t *testing.T, n int) (*Ledger, []recordbatch.Record) {
	t.Helper()
	l, g := NewLedger(), New(1, Options{})
	var s Summer
	var committed []recordbatch.Record
	for o := range int64(n) {
		if o%10 == 9 {
			continue
		}
		e := g.Next(start + o)
		r := recordbatch.Record{Offset: o, Timestamp: e.Timestamp, Key: clone(e.Key), Value: clone(e.Value), Headers: cloneHeaders(e.Headers)}
		outcome := Committed
		if o >= 40 && o < 50 {
			outcome = Aborted
		} else {
			committed = append(committed, r)
		}
		if err := l.Note(testPlace, o, outcome, Entry{Sum: s.Sum(r), Timestamp: r.Timestamp}); err != nil {
			t.Fatal(err)
		}
	}
	return l, committed
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// taker is either check.
type taker interface {
	Take(recordbatch.Record)
	Finish() Findings
}

func run(c taker, records []recordbatch.Record) Findings {
	for _, r := range records {
		c.Take(r)
	}
	return c.Finish()
}

func TestFindings(t *testing.T) {
	l, all := produced(t, 200)
	swapped := func(i, j int) []recordbatch.Record {
		s := slices.Clone(all)
		s[i], s[j] = s[j], s[i]
		return s
	}
	altered := func(change func(*recordbatch.Record)) []recordbatch.Record {
		s := slices.Clone(all)
		s[20].Headers = slices.Clone(s[20].Headers)
		change(&s[20])
		return s
	}
	changed, unknown := Findings{Changed: 1}, Findings{Unknown: 1, Lost: 1}
	for _, c := range []struct {
		name              string
		records           []recordbatch.Record
		byOffset, byOrder Findings
	}{
		{"all", all, Findings{}, Findings{}},
		{"first lost", all[1:], Findings{Lost: 1}, Findings{Lost: 1}},
		{"last lost", all[:len(all)-1], Findings{Lost: 1}, Findings{Lost: 1}},
		{"nothing came", nil, Findings{Lost: int64(len(all))}, Findings{Lost: int64(len(all))}},
		{"doubled at once", slices.Insert(slices.Clone(all), 31, all[30]), Findings{Doubled: 1}, Findings{Doubled: 1}},
		{"doubled at the end", append(slices.Clone(all), all[0]), Findings{Doubled: 1}, Findings{Doubled: 1}},
		{"swapped", swapped(50, 51), Findings{OutOfOrder: 1}, Findings{OutOfOrder: 1}},
		{"key", altered(func(r *recordbatch.Record) { r.Key = append(clone(r.Key), 'x') }), changed, unknown},
		{"timestamp", altered(func(r *recordbatch.Record) { r.Timestamp++ }), changed, unknown},
		{"null header", altered(func(r *recordbatch.Record) { r.Headers[0].Value = nil }), changed, unknown},
		{"header order", altered(func(r *recordbatch.Record) { slices.Reverse(r.Headers) }), changed, unknown},
		{"empty for null", altered(func(r *recordbatch.Record) { r.Key = nil }), changed, unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			compare(t, "by offset", run(l.CheckByOffset(testPlace), c.records), c.byOffset, int64(len(all)))
			compare(t, "by order", run(l.CheckByOrder(testPlace, 1<<62), c.records), c.byOrder, int64(len(all)))
		})
	}
}

func compare(t *testing.T, how string, got, want Findings, expected int64) {
	t.Helper()
	want.Expected = expected
	want.Matched = expected - want.Lost - want.OutOfOrder - want.Changed
	if clean := want.Matched == expected && want == (Findings{Expected: expected, Matched: expected}); got.Clean() != clean {
		t.Errorf("%s: clean is %v: %+v", how, got.Clean(), got)
	}
	got.First = ""
	if got != want {
		t.Errorf("%s: found %+v, want %+v", how, got, want)
	}
}

func TestAbortedAndInventedRecordsAreFound(t *testing.T) {
	l, all := produced(t, 100)
	f := run(l.CheckByOffset(testPlace), append(slices.Clone(all), recordbatch.Record{Offset: 45}, recordbatch.Record{Offset: 49},
		recordbatch.Record{Offset: 100}, recordbatch.Record{Offset: -1}))
	if f.AbortedSeen != 1 || f.Unknown != 3 || f.Clean() || !strings.Contains(f.First, "orders/3 offset 45") {
		t.Errorf("found %+v", f)
	}
}

func TestByOrderExpectsWhatIsStampedInTime(t *testing.T) {
	l, all := produced(t, 100)
	to := int64(start + 50)
	early := slices.DeleteFunc(slices.Clone(all), func(r recordbatch.Record) bool { return r.Timestamp > to })
	if f := run(l.CheckByOrder(testPlace, to), early); !f.Clean() || f.Expected != int64(len(early)) {
		t.Errorf("found %+v", f)
	}
	if f := run(l.CheckByOrder(testPlace, to), all); f.Unknown != int64(len(all)-len(early)) {
		t.Errorf("found %+v, want the later ones unknown", f)
	}
}

func TestSumTellsNullFromEmptyAndFieldsApart(t *testing.T) {
	var s Summer
	header := func(k, v []byte) recordbatch.Record {
		return recordbatch.Record{Headers: []recordbatch.RecordHeader{{Key: k, Value: v}}}
	}
	seen := make(map[Sum]int)
	for i, r := range []recordbatch.Record{
		{}, {Key: []byte{}}, {Value: []byte{}}, {Key: []byte("ab")}, {Key: []byte("a"), Value: []byte("b")}, {Value: []byte("ab")},
		{Timestamp: 1}, header([]byte("k"), nil), header([]byte("k"), []byte{}), header([]byte{}, []byte("k")),
		{Headers: []recordbatch.RecordHeader{{Key: []byte("k")}, {Key: []byte("k")}}},
	} {
		if j, ok := seen[s.Sum(r)]; ok {
			t.Errorf("records %d and %d have one sum", j, i)
		}
		seen[s.Sum(r)] = i
	}
}

func TestAnOffsetIsNotedOnce(t *testing.T) {
	l := NewLedger()
	if err := l.Note(testPlace, 5, Committed, Entry{}, Entry{}); err != nil {
		t.Fatal(err)
	}
	if err := l.Note(testPlace, 6, Committed, Entry{}); err == nil {
		t.Error("an offset was noted twice")
	}
	if l.Count(Committed) != 2 || l.Count(Aborted) != 0 || !slices.Equal(l.Places(), []Place{testPlace}) {
		t.Errorf("%d committed at %v", l.Count(Committed), l.Places())
	}
}

func BenchmarkSum(b *testing.B) {
	g := New(1, Options{})
	e := g.Next(start)
	r := recordbatch.Record{Key: e.Key, Value: e.Value, Headers: e.Headers, Timestamp: e.Timestamp}
	var s Summer
	b.ReportAllocs()
	for b.Loop() {
		s.Sum(r)
	}
}
