package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/pipeline/fields"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Fields are fields of the values of a topic's records, by which records can be
// found: names with the paths that lead to them. In the file they are a set of
// keys, each with a path or a list of paths.
type Fields []*fields.Rule

// UnmarshalText reads fields as the environment has them:
// customer=user_id,email=after.email|before.email.
func (f *Fields) UnmarshalText(text []byte) error {
	*f = nil
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, paths, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("field %q: want name=path, or name=path|path", part)
		}
		if err := f.add(name, strings.Split(paths, "|")); err != nil {
			return err
		}
	}
	return nil
}

// add takes one more field.
func (f *Fields) add(name string, texts []string) error {
	var paths []values.Path
	for _, text := range texts {
		p, err := values.ParsePath(text)
		if err != nil {
			return err
		}
		paths = append(paths, p)
	}
	rule, err := fields.NewRule(name, paths...)
	if err != nil {
		return err
	}
	if f.Named(name) != nil {
		return fmt.Errorf("field %s is given twice", name)
	}
	if *f = append(*f, rule); len(*f) > block.MaxFields {
		return fmt.Errorf("%d fields: want at most %d", len(*f), block.MaxFields)
	}
	return nil
}

// Named returns the field of a name, nil if there is none.
func (f Fields) Named(name string) *fields.Rule {
	for _, r := range f {
		if r.Name() == name {
			return r
		}
	}
	return nil
}

// Names lists the fields in the order of the file.
func (f Fields) Names() []string {
	var list []string
	for _, r := range f {
		list = append(list, r.Name())
	}
	return list
}

// FieldsOf returns the fields of a topic: those of the first entry of topics
// that covers it and has any.
func (c *Config) FieldsOf(topic string) Fields {
	for _, t := range c.Topics {
		if len(t.Fields) > 0 && t.covers(topic) {
			return t.Fields
		}
	}
	return nil
}

// covers reports whether the entry chooses a topic, as the archiver has it.
func (t Topic) covers(topic string) bool {
	if t.Pattern == "" {
		return t.Name == topic
	}
	ok, err := regexp.MatchString("^(?:"+t.Pattern+")$", topic)
	return ok && err == nil
}

// fields decodes a set of keys, each with a path or a list of paths.
func (s source) fields(f *Fields, key string, n ast.Node) error {
	m, ok := n.(ast.MapNode)
	if !ok {
		return s.wrongAt(n, key, "is %s: want names with a path or a list of paths each, such as customer: user_id", kind(n))
	}
	*f = nil
	for i := m.MapRange(); i.Next(); {
		kv := i.KeyValue()
		name := kv.Key.GetToken().Value
		texts, err := pathTexts(kv.Value)
		if err == nil {
			err = f.add(name, texts)
		}
		if err != nil {
			return s.wrongAt(kv.Key, child(key, name), "%w", err)
		}
		line, column := position(kv.Key.GetToken())
		s.at[child(key, name)] = origin{line: line, column: column}
	}
	return nil
}

// errPaths is that of a field without a path.
var errPaths = errors.New("want a path, such as customer.email, or a list of paths")

func pathTexts(n ast.Node) ([]string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return []string{n.Value}, nil
	case *ast.SequenceNode:
		var texts []string
		for _, e := range n.Values {
			text, ok := e.(*ast.StringNode)
			if !ok {
				return nil, errPaths
			}
			texts = append(texts, text.Value)
		}
		return texts, nil
	}
	return nil, errPaths
}
