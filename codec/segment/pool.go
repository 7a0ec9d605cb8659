package segment

import (
	"sync"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Pool lends writers the memory that they need only while they are open:
// the body of the open block, the compressor, the filter's tables. Give one to
// all writers of a process. It is safe for concurrent use.
type Pool struct{ scratches sync.Pool }

// NewPool makes an empty pool.
func NewPool() *Pool { return &Pool{} }

func (p *Pool) get() *scratch {
	if s, ok := p.scratches.Get().(*scratch); ok {
		return s
	}
	return &scratch{decoder: recordbatch.NewDecoder(0)}
}

func (p *Pool) put(s *scratch) {
	s.next(len(s.hashes))
	if s.memory() <= retainScratch {
		p.scratches.Put(s)
	}
}

// scratch is what a pool lends, to one writer at a time.
type scratch struct {
	body       []byte   // of the open block
	hashes     []uint64 // of its record keys
	filter     []byte   // in clear
	compressor block.Compressor
	builder    block.FilterBuilder
	decoder    *recordbatch.Decoder
}

// next makes room for the next block and keeps the hashes that are its own.
func (s *scratch) next(hashes int) {
	s.body = s.body[:0]
	s.hashes = append(s.hashes[:0], s.hashes[hashes:]...)
}

// memory leaves out the tables of zstd and of the filter's builder: a fixed
// sum, and some 30 bytes a key.
func (s *scratch) memory() int {
	return cap(s.body) + 8*cap(s.hashes) + cap(s.filter) + s.compressor.Memory() + s.builder.Memory()
}
