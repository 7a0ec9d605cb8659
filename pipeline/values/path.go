package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Path leads from the top of a tree to one place in it.
type Path []Step

// Step is one step of a path: a key of an object, or a place in an array.
type Step struct {
	// Key is the key, where Index is below 0.
	Key string
	// Index counts from 0; below 0 the step is a key.
	Index int
}

// key returns a step to a key.
func key(name string) Step { return Step{Key: name, Index: -1} }

// maxPath bounds a path's text, in bytes.
const maxPath = 4096

// ParsePath reads a path such as customer.email, items[0].sku or, for keys
// that hold dots, brackets or quotes, ["order.id"].total. A leading $ or $. is
// allowed and means the same.
func ParsePath(text string) (Path, error) {
	p, err := parsePath(text)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w: want keys and places, such as customer.email or items[0].sku", text, err)
	}
	return p, nil
}

func parsePath(text string) (Path, error) {
	rest, rooted := strings.CutPrefix(text, "$")
	if rooted && rest != "" && rest[0] != '.' && rest[0] != '[' {
		rest, rooted = text, false // a key that begins with $
	}
	switch {
	case len(text) > maxPath:
		return nil, fmt.Errorf("has %d bytes, above %d", len(text), maxPath)
	case rest == "":
		return nil, errors.New("is empty")
	case rooted && rest[0] == '.':
		rest = rest[1:]
	}
	var p Path
	for first := true; first || rest != ""; first = false {
		s, after, err := nextStep(rest, first)
		if err != nil {
			return nil, err
		}
		p, rest = append(p, s), after
	}
	return p, nil
}

// nextStep cuts one step off a path. The first needs no dot in front of it.
func nextStep(text string, first bool) (Step, string, error) {
	if strings.HasPrefix(text, "[") {
		return bracket(text[1:])
	}
	if !first {
		if text[0] != '.' {
			return Step{}, "", fmt.Errorf("%q: want . or [", text)
		}
		text = text[1:]
	}
	end := strings.IndexAny(text, ".[]\"")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return Step{}, "", errors.New("a key is empty")
	}
	return key(text[:end]), text[end:], nil
}

// bracket reads what follows an opening bracket.
func bracket(text string) (Step, string, error) {
	if strings.HasPrefix(text, `"`) {
		return quoted(text)
	}
	inner, rest, ok := strings.Cut(text, "]")
	n, err := strconv.ParseUint(inner, 10, 31)
	if !ok || err != nil || strconv.FormatUint(n, 10) != inner || n == math.MaxInt32 {
		return Step{}, "", fmt.Errorf("[%s: want a number from 0 or a quoted key", text)
	}
	return Step{Index: int(n)}, rest, nil
}

func quoted(text string) (Step, string, error) {
	d := json.NewDecoder(strings.NewReader(text))
	var name string
	if err := d.Decode(&name); err != nil {
		return Step{}, "", fmt.Errorf("[%s: %w", text, err)
	}
	rest, ok := strings.CutPrefix(text[d.InputOffset():], "]")
	if !ok {
		return Step{}, "", fmt.Errorf("[%s: the bracket is not closed", text)
	}
	return key(name), rest, nil
}

// String returns the path so that ParsePath reads the same.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Index >= 0:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case s.Key == "" || strings.ContainsAny(s.Key, ".[]\"") || i == 0 && s.Key[0] == '$':
			text, _ := json.Marshal(s.Key) // a string always encodes
			fmt.Fprintf(&b, "[%s]", text)
		case i > 0:
			b.WriteString("." + s.Key)
		default:
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

// MarshalText writes the path as String does.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a path.
func (p *Path) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePath(string(text))
	return err
}

// Get returns what a path leads to. A null that is there is nil and true; a
// place that is not there is false.
func Get(tree any, p Path) (any, bool) {
	for _, s := range p {
		var ok bool
		if tree, ok = s.in(tree); !ok {
			return nil, false
		}
	}
	return tree, true
}

// in takes one step.
func (s Step) in(tree any) (any, bool) {
	if s.Index < 0 {
		object, _ := tree.(map[string]any)
		v, ok := object[s.Key]
		return v, ok
	}
	array, _ := tree.([]any)
	if s.Index >= len(array) {
		return nil, false
	}
	return array[s.Index], true
}
