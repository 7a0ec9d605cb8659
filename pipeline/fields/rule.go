package fields

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Limits of one rule.
const (
	// MaxPaths is how many paths a field may have.
	MaxPaths = 16
	// maxName bounds a field's name, in bytes.
	maxName = 64
)

// Rule says where in record values a field stands.
type Rule struct {
	name  string
	paths []values.Path
	id    block.FieldID
}

// NewRule makes a rule. Names are letters, digits, dots, dashes and underscores,
// and begin with a letter or an underscore.
func NewRule(name string, paths ...values.Path) (*Rule, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	switch {
	case len(paths) == 0:
		return nil, fmt.Errorf("field %s: no path", name)
	case len(paths) > MaxPaths:
		return nil, fmt.Errorf("field %s: %d paths: want at most %d", name, len(paths), MaxPaths)
	}
	return &Rule{name: name, paths: paths, id: idOf(paths)}, nil
}

// CheckName applies the rules of a field's name.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("field name %q: want 1 to %d characters", name, maxName)
	}
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '.' || c == '-')) {
			return fmt.Errorf("field name %q: want letters, digits, . - and _, and a letter or _ first", name)
		}
	}
	return nil
}

// labelRule begins what a rule's id is the digest of. Another number in it
// stands for other meanings of the same paths.
const labelRule = "tidemark/1 field rule\n"

// idOf is the beginning of the SHA-256 over the label and the paths, sorted,
// each once, each on a line. The name is not in it: a field may be renamed.
func idOf(paths []values.Path) block.FieldID {
	var lines []string
	for _, p := range paths {
		lines = append(lines, p.String()+"\n")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(labelRule + strings.Join(slices.Compact(lines), "")))
	return block.FieldID(sum[:8])
}

// Name returns the field's name.
func (r *Rule) Name() string { return r.name }

// ID stands for the rule's paths in filters.
func (r *Rule) ID() block.FieldID { return r.id }

// Paths returns where the field stands. They must not be changed.
func (r *Rule) Paths() []values.Path { return r.paths }

// Forms returns the canonical forms of the values that a person's text means:
// a text of those bytes, and the number if it is one.
func Forms(text string) [][]byte {
	forms := [][]byte{[]byte(text)}
	if isNumber(text) {
		if number := appendNumber(nil, []byte(text)); string(number) != text {
			forms = append(forms, number)
		}
	}
	return forms
}

// errNoRule is that of a set without a rule.
var errNoRule = errors.New("no field")
