package demo

import (
	"bytes"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/bench/events"
)

// sample is one order that will be looked up, and where its committed records
// are. The key belongs to the goroutine that makes the events until all of them
// are made.
type sample struct {
	key []byte

	mu      sync.Mutex
	offsets []int64
}

// consider takes the first order that is created.
func (s *sample) consider(e events.Event) {
	if s.key == nil && e.Topic == events.Orders && bytes.Contains(e.Value, []byte(`"OrderCreated"`)) {
		s.key = bytes.Clone(e.Key)
	}
}

// is tells whether a record is one of the order's.
func (s *sample) is(e events.Event) bool {
	return s.key != nil && e.Topic == events.Orders && bytes.Equal(s.key, e.Key)
}

func (s *sample) note(offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offsets = append(s.offsets, offset)
}

// sorted are the offsets in order, once all is noted. They are all of one
// partition.
func (s *sample) sorted() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.offsets)
	return s.offsets
}
