package values

import (
	"unsafe"

	"github.com/tidwall/gjson"
)

// Scan looks paths up in the bytes of JSON without making a tree, and calls
// found for each that leads to a text, a number or a boolean, with the same
// text that Text gives of it in a tree: a text without its quotes and escapes,
// a number's digits. In Connect's JSON paths begin at the payload, as in
// Decode. A key that is given twice is found twice. value is valid until found
// returns; i is the place of the path in paths.
//
// Scan does not check the JSON: of what is broken it finds what it can.
func Scan(text []byte, paths []Path, found func(i int, value []byte)) {
	if len(text) > maxBytes {
		return
	}
	s := scanner{paths: paths, found: found}
	open := make([]int, len(paths))
	for i := range paths {
		open[i] = i
	}
	s.descend(payloadOf(gjson.Parse(view(text))), 0, open)
}

// scanner walks once, however many paths there are.
type scanner struct {
	paths []Path
	found func(int, []byte)
}

// view lends bytes as a string, without copying them. gjson only reads.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// descend looks at one value that the first depth steps of the open paths
// lead to.
func (s *scanner) descend(v gjson.Result, depth int, open []int) {
	deeper := false
	for _, i := range open {
		if len(s.paths[i]) == depth {
			s.report(i, v)
		} else {
			deeper = true
		}
	}
	if !deeper || depth >= maxDepth || !v.IsObject() && !v.IsArray() {
		return
	}
	array, place := v.IsArray(), -1
	v.ForEach(func(k, child gjson.Result) bool {
		place++
		if next := s.through(open, depth, array, place, k); len(next) > 0 {
			s.descend(child, depth+1, next)
		}
		return true
	})
}

// through returns the open paths that go on through one child.
func (s *scanner) through(open []int, depth int, array bool, place int, k gjson.Result) []int {
	var next []int
	for _, i := range open {
		p := s.paths[i]
		if len(p) <= depth {
			continue
		}
		if step := p[depth]; array && step.Index == place || !array && step.Index < 0 && step.Key == k.Str {
			next = append(next, i)
		}
	}
	return next
}

func (s *scanner) report(i int, v gjson.Result) {
	text := v.Raw
	switch v.Type {
	case gjson.String:
		text = v.Str
	case gjson.Number, gjson.True, gjson.False:
	default:
		return
	}
	s.found(i, unsafe.Slice(unsafe.StringData(text), len(text)))
}

// payloadOf steps into Connect's envelope: an object of schema and payload and
// nothing else.
func payloadOf(v gjson.Result) gjson.Result {
	if !v.IsObject() {
		return v
	}
	var payload gjson.Result
	known := 0
	v.ForEach(func(k, child gjson.Result) bool {
		switch k.Str {
		case connectSchema:
			if _, ok := connectKinds[child.Get("type").Str]; !ok && child.Type != gjson.Null {
				known = -1
				return false
			}
		case connectPayload:
			payload = child
		default:
			known = -1
			return false // as a rule at the first key
		}
		known++
		return true
	})
	if known == 2 && payload.Exists() {
		return payload
	}
	return v
}
