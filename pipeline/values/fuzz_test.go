package values_test

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/twmb/avro"

	"github.com/tidemark-io/tidemark/pipeline/values"
)

// FuzzDecode: nothing that comes in breaks the decoder, and a tree is made of
// the types that it promises.
func FuzzDecode(f *testing.F) {
	d := &values.Decoder{Schemas: schemas{
		1: {Text: everything}, 2: {Type: values.TypeJSON}, 3: {Type: values.TypeProtobuf},
		4: {Text: `{"type":"array","items":{"type":"map","values":["null","string",{"type":"array","items":"null"}]}}`},
	}}
	f.Add([]byte(connect))
	f.Add([]byte(`{"a":[1,2.5e3,null,"x"]}`))
	f.Add(framed(1, encode(f, everything, all())))
	f.Add(framed(2, []byte(`[]`)))
	f.Add(framed(4, []byte("\x02\x02\x02a\x02\x02b\x00\x00")))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := slices.Clone(b)
		v, err := d.Decode(t.Context(), b)
		if err != nil {
			return
		}
		check(t, v.Tree)
		clear(b)
		check(t, v.Tree)
		if again, err := d.Decode(t.Context(), before); err != nil || again.Format != v.Format {
			t.Fatalf("a second time: %v, %v", again.Format, err)
		}
	})
}

// check walks a tree.
func check(t *testing.T, tree any) {
	switch v := tree.(type) {
	case nil, bool, []byte:
	case string:
		if !utf8.ValidString(v) {
			t.Fatalf("%q is not UTF-8", v)
		}
	case json.Number:
		if !json.Valid([]byte(v)) {
			t.Fatalf("%q is not a number", v)
		}
	case []any:
		for _, e := range v {
			check(t, e)
		}
	case map[string]any:
		for _, e := range v {
			check(t, e)
		}
	default:
		t.Fatalf("%T in a tree", v)
	}
}

// FuzzAvro: what the library reads, we read, and the other way round, within
// the limits that each has.
func FuzzAvro(f *testing.F) {
	const schema = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":["null","string"]},
	 {"name":"c","type":{"type":"array","items":"long"}},{"name":"d","type":{"type":"map","values":"bytes"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}},{"name":"f","type":"boolean"}]}`
	oracle := avro.MustParse(schema)
	d := &values.Decoder{Schemas: schemas{1: {Text: schema}}}
	f.Add([]byte("\x02\x02\x02x\x02\x04\x00\x02\x02k\x02v\x00\x02\x01"))
	f.Add([]byte("\x02\x00\x00\x00\x02\x30")) // a boolean that is neither
	f.Fuzz(func(t *testing.T, b []byte) {
		var theirs any
		rest, their := oracle.Decode(b, &theirs)
		ours, err := d.Decode(t.Context(), framed(1, b))
		if err == nil && (their != nil || len(rest) > 0) {
			t.Fatalf("we read %v, the library %v with %d left", ours.Tree, their, len(rest))
		}
		if err != nil || their != nil {
			return
		}
		object := theirs.(map[string]any)
		tree := ours.Tree.(map[string]any)
		if object["b"] != tree["b"] || object["e"] != tree["e"] || object["f"] != tree["f"] || len(object["c"].([]any)) != len(tree["c"].([]any)) {
			t.Fatalf("we read %v, the library %v", tree, object)
		}
	})
}

// FuzzPath: what is a path prints to a path that reads the same.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"a.b[0]", `$["x"].y`, "[0][1]", "$$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := values.ParsePath(text)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		again, err := values.ParsePath(p.String())
		if err != nil || !slices.Equal(p, again) {
			t.Fatalf("%q prints as %q and reads as %v, %v", text, p, again, err)
		}
	})
}

// FuzzScan: Scan finds in the bytes what Get finds in the tree.
func FuzzScan(f *testing.F) {
	f.Add([]byte(connect))
	f.Add([]byte(`{"a":{"b":["x",1,true,null,{"c":"\u00e9"}]}}`))
	f.Add([]byte(`{"schema":null,"payload":{"a":1}}`))
	paths := []values.Path{path(f, "a.b[0]"), path(f, "a"), path(f, "after.id"), path(f, "[0]"), path(f, "a.b[4].c"), path(f, "op")}
	f.Fuzz(func(t *testing.T, b []byte) {
		found := scan(b, paths)
		tree, err := values.ParseJSON(b)
		if err != nil {
			return
		}
		v, err := new(values.Decoder).Decode(t.Context(), b)
		if err != nil || v.Format == values.FormatConnect && v.Type != nil {
			return // the schema changes what the tree holds
		}
		if v.Format == values.FormatConnect {
			tree = v.Tree
		}
		for i, p := range paths {
			leaf, _ := values.Get(tree, p)
			if text, ok := values.Text(leaf); ok && !slices.Contains(found[i], text) {
				t.Fatalf("%s is %q, and was not found in %q: %q", p, text, b, found[i])
			}
		}
	})
}
