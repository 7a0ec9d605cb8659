package runs

import (
	"slices"
	"strings"
)

const (
	// chunk is how much room values are given at a time, in bytes.
	chunk = 1 << 20
	// perEntry is what an entry takes besides its key and value: two headers,
	// its place in the map, and the room that a map leaves free.
	perEntry = 112
	// maxRuns is how many runs are open at once; then they become one. Each
	// needs a block in memory while they are merged.
	maxRuns = 128
)

// Fold joins two values of one key, the older and the newer one, by appending
// to dst, which holds nothing of either.
type Fold func(dst, older, newer []byte) []byte

// Sorter sorts pairs. One goroutine owns it.
type Sorter struct {
	files  *Files
	memory int
	fold   Fold

	index   map[string]int
	entries []entry
	room    []byte // what is left of the last chunk
	used    int    // bytes, of keys, values and all around them
	dead    int    // bytes of values that were replaced
	scratch []byte

	runs []*run // the oldest first
}

// entry is a pair in memory. The capacity of its value is its own.
type entry struct {
	key   string
	value []byte
}

// NewSorter makes a sorter that holds about so many bytes in memory.
func (f *Files) NewSorter(memory int, fold Fold) *Sorter {
	return &Sorter{files: f, memory: memory, fold: fold, index: make(map[string]int)}
}

// Put adds a pair. It keeps neither key nor value. An error is one of writing a
// run; the sorter is of no use after it.
func (s *Sorter) Put(key, value []byte) error {
	if i, ok := s.index[string(key)]; ok {
		s.scratch = s.fold(s.scratch[:0], s.entries[i].value, value)
		s.replace(&s.entries[i], s.scratch)
	} else {
		e := entry{key: string(key), value: s.place(value)}
		s.index[e.key] = len(s.entries)
		s.entries = append(s.entries, e)
		s.used += len(key) + perEntry
	}
	if s.used < s.memory {
		return nil
	}
	if s.dead > s.used/2 {
		s.compact()
		return nil
	}
	return s.spill()
}

// place copies a value into room of its own.
func (s *Sorter) place(value []byte) []byte {
	if len(value) > cap(s.room)-len(s.room) {
		s.room = make([]byte, 0, max(chunk, len(value)))
	}
	from := len(s.room)
	s.room = append(s.room, value...)
	s.used += len(value)
	return s.room[from:len(s.room):len(s.room)]
}

func (s *Sorter) replace(e *entry, value []byte) {
	if len(value) <= cap(e.value) {
		e.value = append(e.value[:0], value...)
		return
	}
	s.dead += cap(e.value)
	e.value = s.place(value)
}

// compact gives every value new room, without what was replaced.
func (s *Sorter) compact() {
	s.room = nil
	for i := range s.entries {
		s.used -= cap(s.entries[i].value)
		s.entries[i].value = s.place(s.entries[i].value)
	}
	s.used, s.dead = s.used-s.dead, 0
}

// sorted returns the entries in memory in order.
func (s *Sorter) sorted() []entry {
	if !slices.IsSortedFunc(s.entries, byKey) {
		slices.SortFunc(s.entries, byKey)
		clear(s.index) // places have changed, and nothing is put any more
	}
	return s.entries
}

func byKey(a, b entry) int { return strings.Compare(a.key, b.key) }

// spill writes what is in memory as a run.
func (s *Sorter) spill() error {
	w, err := s.files.newRun()
	if err != nil {
		return err
	}
	for _, e := range s.sorted() {
		if err := put(w, e.key, e.value); err != nil {
			w.close()
			return err
		}
	}
	if err := w.finish(); err != nil {
		w.close()
		return err
	}
	s.runs = append(s.runs, w)
	clear(s.index)
	clear(s.entries)
	s.entries, s.room, s.used, s.dead = s.entries[:0], nil, 0, 0
	if len(s.runs) < maxRuns {
		return nil
	}
	return s.join()
}

// join makes one run of all.
func (s *Sorter) join() error {
	w, err := s.files.newRun()
	if err != nil {
		return err
	}
	for pair, err := range Merge(s.fold, s) {
		if err == nil {
			err = put(w, pair.Key, pair.Value)
		}
		if err != nil {
			w.close()
			return err
		}
	}
	if err := w.finish(); err != nil {
		w.close()
		return err
	}
	for _, r := range s.runs {
		r.close()
	}
	s.runs = []*run{w}
	return nil
}

// Spilled is how many bytes were written to disk and are still there.
func (s *Sorter) Spilled() int64 {
	var n int64
	for _, r := range s.runs {
		n += r.size
	}
	return n
}

// Close gives up what is on disk.
func (s *Sorter) Close() {
	for _, r := range s.runs {
		r.close()
	}
	s.runs, s.entries, s.index = nil, nil, nil
}
