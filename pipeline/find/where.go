package find

import (
	"slices"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/pipeline/fields"
)

// Where asks for records that have one of some values in a field.
type Where struct {
	Rule *fields.Rule
	// Values are as a person writes them; fields.Forms says what they mean.
	Values []string
}

// conditions are all of a search, and what reads their fields.
type conditions struct {
	set  *fields.Set // nil without a condition
	list []condition
}

type condition struct {
	id    block.FieldID
	place int      // among the set's rules
	forms [][]byte // canonical
	is    map[string]bool
}

func newConditions(where []Where, trees fields.Trees) (c conditions, err error) {
	if len(where) == 0 {
		return c, nil
	}
	var rules []*fields.Rule
	for _, w := range where {
		rules = append(rules, w.Rule)
	}
	if c.set, err = fields.NewSet(trees, rules...); err != nil {
		return c, err
	}
	for _, w := range where {
		one := condition{id: w.Rule.ID(), place: c.set.Index(w.Rule.ID()), is: map[string]bool{}}
		for _, text := range w.Values {
			one.forms = append(one.forms, fields.Forms(text)...)
		}
		for _, form := range one.forms {
			one.is[string(form)] = true
		}
		c.list = append(c.list, one)
	}
	return c, nil
}

// mayHold asks a filter. One that does not cover a field says maybe to each of
// its values.
func (c conditions) mayHold(f *block.Filter) bool {
	for i := range c.list {
		if !slices.ContainsFunc(c.list[i].forms, f.Field(c.list[i].id).Contains) {
			return false
		}
	}
	return true
}

// meets reports whether a record's value meets every condition. One that cannot
// be read is counted.
func (s *search) meets(value []byte) bool {
	c := &s.where
	if c.set == nil {
		return true
	}
	met := make([]bool, len(c.list))
	read := c.set.Read(value, func(i int, v []byte) {
		for n := range c.list {
			met[n] = met[n] || c.list[n].place == i && c.list[n].is[string(v)]
		}
	})
	if !read {
		s.unread.Add(1)
		return false
	}
	return !slices.Contains(met, false)
}
