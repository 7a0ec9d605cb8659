package find_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/find"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// told writes a history as one line a version.
func told(t *testing.T, texts ...string) string {
	t.Helper()
	var hits []find.Hit
	for i, text := range texts {
		rec := recordbatch.Record{Offset: int64(i), Key: []byte("k"), Value: []byte(text)}
		if text == "-" {
			rec.Value = nil
		}
		hits = append(hits, find.Hit{Partition: covertest.Partition, Record: rec})
	}
	var b strings.Builder
	all := find.Histories(t.Context(), &values.Decoder{}, hits)
	if len(all) != 1 {
		t.Fatalf("%d histories", len(all))
	}
	for _, v := range all[0].Versions {
		fmt.Fprintf(&b, "%d %s", v.Number, v.What)
		if v.Op != "" {
			fmt.Fprintf(&b, " %s", v.Op)
		}
		for _, c := range v.Changes {
			fmt.Fprintf(&b, "; %s %s %s>%s", c.Kind, c.Path, c.Old, c.New)
		}
		if v.Trouble != nil {
			b.WriteString(" !")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestHistories(t *testing.T) {
	for name, tt := range map[string]struct {
		texts []string
		want  string
	}{
		"plain events": {[]string{`{"s":"new","n":1,"items":[{"q":1}]}`, `{"s":"paid","n":1,"items":[{"q":2},{"q":9}],"by":{"x":null}}`, `{"s":"paid","n":1,"items":[{"q":2}]}`, `{"n":1,"items":[{"q":2}],"s":"paid"}`},
			"1 created; added items >[{\"q\":1}]; added n >1; added s >\"new\"\n" +
				"2 updated; added by >{\"x\":null}; changed items[0].q 1>2; added items[1] >{\"q\":9}; changed s \"new\">\"paid\"\n" +
				"3 updated; removed by {\"x\":null}>; removed items[1] {\"q\":9}>\n" +
				"4 unchanged\n"},
		"a tombstone, and a new life": {[]string{`{"a":1}`, "-", `{"a":1}`},
			"1 created; added a >1\n2 tombstone\n3 created; added a >1\n"},
		"envelopes": {[]string{
			`{"before":null,"after":{"id":1,"c":"x"},"op":"c","ts_ms":1}`,
			`{"before":{"id":1,"c":"x"},"after":{"id":1,"c":"y"},"op":"u","ts_ms":2}`,
			`{"before":null,"after":{"id":1,"c":"y"},"op":"r","ts_ms":3}`,
			`{"before":{"id":1,"c":"y"},"after":null,"op":"d","ts_ms":4}`, "-"},
			"1 created c; added c >\"x\"; added id >1\n2 updated u; changed c \"x\">\"y\"\n3 snapshot r\n4 deleted d\n5 tombstone\n"},
		"connect's JSON": {[]string{`{"schema":{"type":"struct"},"payload":{"before":null,"after":{"id":1},"op":"c"}}`},
			"1 created c; added id >1\n"},
		"what is no JSON": {[]string{"hello", "world", `{"a":`, "\xff"},
			"1 created; added  >\"hello\"\n2 updated; changed  \"hello\">\"world\"\n3 updated; changed  \"world\">\"eyJhIjo=\" !\n4 updated; changed  \"eyJhIjo=\">\"/w==\"\n"},
		"large numbers keep their digits": {[]string{`{"id":12345678901234567890}`, `{"id":12345678901234567891}`},
			"1 created; added id >12345678901234567890\n2 updated; changed id 12345678901234567890>12345678901234567891\n"},
		"a change of type": {[]string{`{"a":{"b":1}}`, `{"a":[1]}`, `{"a":null}`},
			"1 created; added a >{\"b\":1}\n2 updated; changed a {\"b\":1}>[1]\n3 updated; changed a [1]>null\n"},
	} {
		if got := told(t, tt.texts...); got != tt.want {
			t.Errorf("%s:\n%swant\n%s", name, got, tt.want)
		}
	}
}

// TestHistoriesByPartition: keys and partitions have histories of their own, and
// a null key is not an empty one.
func TestHistoriesByPartition(t *testing.T) {
	var hits []find.Hit
	for i, key := range [][]byte{[]byte("a"), nil, {}, []byte("a")} {
		p := covertest.Partition
		p.Number += int32(i / 3)
		hits = append(hits, find.Hit{Partition: p, Record: recordbatch.Record{Key: key, Value: []byte("{}")}})
	}
	if all := find.Histories(t.Context(), &values.Decoder{}, hits); len(all) != 4 {
		t.Errorf("%d histories", len(all))
	}
}

// TestDiffRebuilds: what Diff says of any two values is enough to make one of
// the other.
func TestDiffRebuilds(t *testing.T) {
	docs := []string{`{}`, `{"a":1}`, `{"a":{"b":[1,2,{"c":3}]},"d":"x"}`, `{"a":{"b":[1]},"d":"x","e":[]}`, `{"a":[{"b":[2]}],"":0,"x.y":{"z":null}}`, `{"x.y":{"z":1}}`}
	for _, before := range docs {
		for _, after := range docs {
			b, a := tree(t, before), tree(t, after)
			changes := find.Diff(b, a)
			if (len(changes) == 0) != (before == after) {
				t.Errorf("%s to %s: %d changes", before, after, len(changes))
			}
			for _, c := range changes {
				old, new := place(t, b, c.Path), place(t, a, c.Path)
				if (c.Kind == find.Added) != (old == "none") || (c.Kind == find.Removed) != (new == "none") ||
					c.Kind != find.Added && old != string(c.Old) || c.Kind != find.Removed && new != string(c.New) {
					t.Errorf("%s to %s: %+v", before, after, c)
				}
			}
		}
	}
}

func tree(t *testing.T, text string) any {
	t.Helper()
	v, err := values.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func place(t *testing.T, tree any, path string) string {
	t.Helper()
	p, err := values.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	v, ok := values.Get(tree, p)
	if !ok {
		return "none"
	}
	b, _ := json.Marshal(v)
	return string(b)
}
