package find

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/tidemark-io/tidemark/pipeline/values"
)

// ChangeKind says what happened to a place of a value.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is one difference between two versions.
type Change struct {
	// Path leads to the place, as package values writes paths; empty where the
	// whole value is another.
	Path string     `json:"path"`
	Kind ChangeKind `json:"change"`
	// Old and New are what stood there and what stands there now, as JSON; bytes
	// are in base64.
	Old json.RawMessage `json:"old,omitempty"`
	New json.RawMessage `json:"new,omitempty"`
}

// Diff lists what is different in two trees of package values, in the order of
// the paths. A nil tree has nothing: everything at the top of the other is added
// or removed. An object or array that is on one side only is one change.
func Diff(before, after any) []Change {
	d := differ{}
	d.compare(nil, whole(before), whole(after))
	return d.changes
}

// whole makes an empty object of no tree, where the other side may be one.
func whole(tree any) any {
	if tree == nil {
		return map[string]any{}
	}
	return tree
}

type differ struct{ changes []Change }

func (d *differ) compare(at values.Path, before, after any) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			d.objects(at, b, a)
			return
		}
		if len(at) == 0 && len(b) == 0 {
			d.note(at, Added, nil, after)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.arrays(at, b, a)
			return
		}
	}
	if a, ok := after.(map[string]any); ok && len(at) == 0 && len(a) == 0 {
		d.note(at, Removed, before, nil)
		return
	}
	if !reflect.DeepEqual(before, after) {
		d.note(at, Changed, before, after)
	}
}

func (d *differ) objects(at values.Path, before, after map[string]any) {
	names := map[string]bool{}
	for name := range before {
		names[name] = true
	}
	for name := range after {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		b, was := before[name]
		a, is := after[name]
		d.place(append(slices.Clip(at), values.Step{Key: name, Index: -1}), b, was, a, is)
	}
}

func (d *differ) arrays(at values.Path, before, after []any) {
	for i := range max(len(before), len(after)) {
		var b, a any
		if i < len(before) {
			b = before[i]
		}
		if i < len(after) {
			a = after[i]
		}
		d.place(append(slices.Clip(at), values.Step{Index: i}), b, i < len(before), a, i < len(after))
	}
}

func (d *differ) place(at values.Path, before any, was bool, after any, is bool) {
	switch {
	case was && is:
		d.compare(at, before, after)
	case is:
		d.note(at, Added, nil, after)
	case was:
		d.note(at, Removed, before, nil)
	}
}

func (d *differ) note(at values.Path, kind ChangeKind, before, after any) {
	c := Change{Path: at.String(), Kind: kind}
	if kind != Added {
		c.Old = encode(before)
	}
	if kind != Removed {
		c.New = encode(after)
	}
	d.changes = append(d.changes, c)
}

// encode writes a part of a tree as JSON, with HTML left alone.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return json.RawMessage("null") // a tree holds nothing that cannot be written
	}
	return bytes.TrimSpace(b.Bytes())
}
