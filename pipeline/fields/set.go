package fields

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Set reads the fields of several rules in one pass. It is safe for concurrent
// use.
type Set struct {
	rules []*Rule // by id, each id once
	ids   []block.FieldID
	top   *place
	trees Trees
	free  sync.Pool // of *scanner
}

// Trees decodes what is not JSON, such as Avro in Confluent's frame; false where
// it cannot. It must not wait for anything far away: sealing waits for it.
type Trees func(value []byte) (tree any, ok bool)

// NewSet makes a set. Trees may be nil: then JSON alone is read. Rules with the
// same paths are one.
func NewSet(trees Trees, rules ...*Rule) (*Set, error) {
	if len(rules) == 0 {
		return nil, errNoRule
	}
	s := &Set{rules: slices.Clone(rules), trees: trees, top: &place{}}
	slices.SortStableFunc(s.rules, func(a, b *Rule) int { return bytes.Compare(a.id[:], b.id[:]) })
	s.rules = slices.CompactFunc(s.rules, func(a, b *Rule) bool { return a.id == b.id })
	for i, r := range s.rules {
		s.ids = append(s.ids, r.id)
		for _, p := range r.paths {
			s.top.add(p, i)
		}
	}
	if err := block.CheckFields(s.ids); err != nil {
		return nil, fmt.Errorf("fields: %w", err)
	}
	s.free.New = func() any { return &scanner{} }
	return s, nil
}

// IDs implements segment.Fields.
func (s *Set) IDs() []block.FieldID { return s.ids }

// Index returns the place of a rule's paths among IDs, -1 if they are not there.
func (s *Set) Index(id block.FieldID) int { return slices.Index(s.ids, id) }

// Read implements segment.Fields: it calls found with the canonical form of each
// value, which is valid until found returns, and reports whether the whole value
// could be read. Nil and empty values are read, and have no fields.
func (s *Set) Read(value []byte, found func(i int, value []byte)) bool {
	if len(value) == 0 {
		return true
	}
	sc := s.free.Get().(*scanner)
	ok := sc.scan(unframed(value), s.top, found)
	sc.release()
	s.free.Put(sc)
	if ok {
		return true
	}
	if s.trees == nil {
		return false
	}
	tree, ok := s.trees(value)
	return ok && s.top.walk(tree, found, 0)
}

// frameSize is Confluent's frame: a zero byte and four bytes of schema id. No
// JSON begins with a zero byte.
const frameSize = 5

func unframed(value []byte) []byte {
	if len(value) > frameSize && value[0] == 0 {
		return value[frameSize:]
	}
	return value
}

// place is a node of the tree that all paths of a set make: where they lead
// from here, and the rules whose paths end here.
type place struct {
	keys    []keyed
	numbers []numbered
	rules   []int
}

type keyed struct {
	name string
	to   *place
}

type numbered struct {
	index int
	to    *place
}

func (p *place) add(path values.Path, rule int) {
	for _, step := range path {
		p = p.step(step)
	}
	if !slices.Contains(p.rules, rule) {
		p.rules = append(p.rules, rule)
	}
}

func (p *place) step(s values.Step) *place {
	if s.Index < 0 {
		if to := p.key(s.Key); to != nil {
			return to
		}
		p.keys = append(p.keys, keyed{s.Key, &place{}})
		return p.keys[len(p.keys)-1].to
	}
	if to := p.number(s.Index); to != nil {
		return to
	}
	p.numbers = append(p.numbers, numbered{s.Index, &place{}})
	return p.numbers[len(p.numbers)-1].to
}

// key returns where a key leads; nil if no path goes there.
func (p *place) key(name string) *place {
	for i := range p.keys {
		if p.keys[i].name == name {
			return p.keys[i].to
		}
	}
	return nil
}

// number is key for a place in an array.
func (p *place) number(index int) *place {
	for i := range p.numbers {
		if p.numbers[i].index == index {
			return p.numbers[i].to
		}
	}
	return nil
}

// payload is the key under which Kafka Connect's JSON has the record.
const payload = "payload"

var _ segment.Fields = (*Set)(nil)
