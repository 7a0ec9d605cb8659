package segment

import (
	"sync"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Pool lends writers their memory: the body of the open block until Close, and
// for the length of a call what is dear and shared: compressor, decoder and the
// tables of filters. Give one to all writers of a process: a thousand open
// partitions then need as many of those as there are running goroutines. It is
// safe for concurrent use.
type Pool struct{ scratches, tools sync.Pool }

// NewPool makes an empty pool.
func NewPool() *Pool { return &Pool{} }

func (p *Pool) getScratch() *scratch {
	if s, ok := p.scratches.Get().(*scratch); ok {
		return s
	}
	return &scratch{}
}

func (p *Pool) putScratch(s *scratch) {
	s.next(len(s.hashes))
	clear(s.fields)
	s.fieldsOf = nil
	if s.memory() <= retainScratch {
		p.scratches.Put(s)
	}
}

// scratch is lent to one writer until it is closed.
type scratch struct {
	body   []byte   // of the open block
	hashes []uint64 // of its record keys, and of its fields' values

	fieldsOf *block.Keys // whose keys fields are
	fields   []block.FieldKey
	found    func(i int, value []byte) // hashes a value; made once
}

// next makes room for the next block and keeps the hashes that are its own.
func (s *scratch) next(hashes int) {
	s.body = s.body[:0]
	s.hashes = append(s.hashes[:0], s.hashes[hashes:]...)
}

func (s *scratch) memory() int { return cap(s.body) + 8*cap(s.hashes) }

// tools are lent for one call.
type tools struct {
	compressor block.Compressor
	builder    block.FilterBuilder
	filter     []byte // in clear
	decoder    *recordbatch.Decoder
}

func (p *Pool) getTools() *tools {
	if t, ok := p.tools.Get().(*tools); ok {
		return t
	}
	return &tools{decoder: recordbatch.NewDecoder(0)}
}

func (p *Pool) putTools(t *tools) {
	if cap(t.filter)+t.compressor.Memory()+t.builder.Memory() <= retainScratch {
		p.tools.Put(t)
	}
}
