package config

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// decode writes what the YAML text says over c, and remembers where each key
// stands. Only the parser is goccy's: its decoder turns 1.5 into 1 and "12"
// into 12 without a word, and does not tell which key a value belongs to.
func decode(text []byte, c *Config) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return c.source.syntax(err)
	}
	bodies := make([]ast.Node, 0, 1)
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return nil
	case 1:
		return c.source.value(reflect.ValueOf(c).Elem(), "", bodies[0])
	}
	return c.source.wrongAt(bodies[1], "", "a second document: want one")
}

// syntax turns a parser's error into an Error with its position.
func (s source) syntax(err error) error {
	e := &Error{File: s.file, Err: err}
	var at yaml.Error
	if errors.As(err, &at) {
		e.Err = errors.New(at.GetMessage())
		e.Line, e.Column = position(at.GetToken())
	}
	return e
}

// position returns 0, 0 for a node that stands nowhere.
func position(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}

func (s source) wrongAt(n ast.Node, key, format string, args ...any) error {
	e := &Error{File: s.file, Key: key, Err: fmt.Errorf(format, args...)}
	e.Line, e.Column = position(n.GetToken())
	return e
}

// value decodes a node into v. Nothing after a colon means that the default
// stays.
func (s source) value(v reflect.Value, key string, n ast.Node) error {
	switch n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return s.wrongAt(n, key, "anchors, aliases and tags are not used here: write the value out")
	}
	if f, ok := v.Addr().Interface().(*Fields); ok {
		return s.fields(f, key, n)
	}
	switch {
	case isLeaf(v):
		return s.scalar(v, key, n)
	case v.Kind() == reflect.Slice:
		return s.list(v, key, n)
	}
	return s.mapping(v, key, n)
}

func (s source) mapping(v reflect.Value, key string, n ast.Node) error {
	m, ok := n.(ast.MapNode)
	if !ok {
		return s.wrongAt(n, key, "is %s: want keys and values", kind(n))
	}
	for i := m.MapRange(); i.Next(); {
		if err := s.entry(v, key, i.KeyValue()); err != nil {
			return err
		}
	}
	return nil
}

func (s source) entry(v reflect.Value, key string, kv *ast.MappingValueNode) error {
	name := kv.Key.GetToken().Value
	f := field(v, name)
	if !f.IsValid() {
		return s.wrongAt(kv.Key, child(key, name), "unknown key%s", suggest(v, name))
	}
	at := child(key, name)
	if s.has(at) {
		return s.wrongAt(kv.Key, at, "is given twice")
	}
	line, column := position(kv.Key.GetToken())
	s.at[at] = origin{line: line, column: column}
	return s.value(f, at, kv.Value)
}

// field finds the struct's field with a YAML key, or the zero Value.
func field(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if n := fieldName(v.Type().Field(i)); n != "" && n == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func (s source) list(v reflect.Value, key string, n ast.Node) error {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return s.wrongAt(n, key, "is %s: want a list", kind(n))
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, e := range seq.Values {
		at := element(key, i)
		line, column := position(e.GetToken())
		s.at[at] = origin{line: line, column: column}
		if err := s.value(out.Index(i), at, e); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (s source) scalar(v reflect.Value, key string, n ast.Node) error {
	text, ok := scalarText(v, n)
	if !ok {
		return s.wrongAt(n, key, "is %s: want %s", kind(n), wanted(v))
	}
	if err := setText(v, text); err != nil {
		return s.wrongAt(n, key, "%w", err)
	}
	return nil
}

// scalarText returns a scalar's text if its type fits the field: a text for a
// text, never a number that YAML may already have rewritten (0123 is 83).
func scalarText(v reflect.Value, n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, v.Kind() != reflect.Bool
	case *ast.LiteralNode:
		return n.Value.Value, v.Kind() != reflect.Bool
	case *ast.BoolNode:
		return n.GetToken().Value, v.Kind() == reflect.Bool
	case *ast.IntegerNode, *ast.FloatNode:
		_, size := v.Addr().Interface().(*Size)
		_, duration := v.Addr().Interface().(*Duration)
		return n.GetToken().Value, size || duration
	}
	return "", false
}

// wanted names what a field takes.
func wanted(v reflect.Value) string {
	if v.Kind() == reflect.Bool {
		return "true or false"
	}
	return "a text (put it in quotes)"
}

// kind names what a node is, for a person.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a set of keys"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	}
	return "a text"
}
