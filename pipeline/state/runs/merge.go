package runs

import (
	"bytes"
	"container/heap"
	"iter"
)

// Pair is a key and its value, valid until the next one.
type Pair struct {
	Key, Value []byte
}

// Merge yields every key of the sorters once, in order. It may be called again,
// and yields the same; nothing may be put in between. Sorters do not share keys.
func Merge(fold Fold, sorters ...*Sorter) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		m := &merger{fold: fold}
		for _, s := range sorters {
			m.add(s)
		}
		for {
			pair, ok, err := m.next()
			if err != nil {
				yield(Pair{}, err)
				return
			}
			if !ok || !yield(pair, nil) {
				return
			}
		}
	}
}

// input is a run, or what a sorter holds in memory.
type input struct {
	age    int // of inputs with the same key, the one with the lower age is older
	cursor *cursor
	memory []entry

	key, value []byte
}

// advance takes the next pair.
func (in *input) advance() (ok bool, err error) {
	if in.cursor != nil {
		in.key, in.value, ok, err = in.cursor.read()
		return ok, err
	}
	if len(in.memory) == 0 {
		return false, nil
	}
	in.key, in.value, in.memory = append(in.key[:0], in.memory[0].key...), in.memory[0].value, in.memory[1:]
	return true, nil
}

// inputs is a heap with the lowest key on top, and of equal ones the oldest.
type inputs []*input

func (h inputs) Len() int { return len(h) }
func (h inputs) Less(i, j int) bool {
	if c := bytes.Compare(h[i].key, h[j].key); c != 0 {
		return c < 0
	}
	return h[i].age < h[j].age
}
func (h inputs) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *inputs) Push(x any)   { *h = append(*h, x.(*input)) }
func (h *inputs) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// merger merges inputs.
type merger struct {
	fold   Fold
	heap   inputs
	added  int
	fresh  []*input // not begun
	key    []byte
	values [2][]byte // the one that is yielded, and the one to fold into
}

func (m *merger) add(s *Sorter) {
	for _, r := range s.runs {
		m.fresh = append(m.fresh, &input{age: m.added, cursor: &cursor{run: r}})
		m.added++
	}
	m.fresh = append(m.fresh, &input{age: m.added, memory: s.sorted()})
	m.added++
}

// begin reads the first pair of every input.
func (m *merger) begin() error {
	for _, in := range m.fresh {
		ok, err := in.advance()
		if err != nil {
			return err
		}
		if ok {
			m.heap = append(m.heap, in)
		}
	}
	m.fresh = nil
	heap.Init(&m.heap)
	return nil
}

// next returns the next pair with all values of its key folded.
func (m *merger) next() (Pair, bool, error) {
	if m.fresh != nil {
		if err := m.begin(); err != nil {
			return Pair{}, false, err
		}
	}
	if len(m.heap) == 0 {
		return Pair{}, false, nil
	}
	top := m.heap[0]
	m.key = append(m.key[:0], top.key...)
	m.values[0] = append(m.values[0][:0], top.value...)
	for first := true; ; first = false {
		if !first {
			m.values[1] = m.fold(m.values[1][:0], m.values[0], m.heap[0].value)
			m.values[0], m.values[1] = m.values[1], m.values[0]
		}
		if err := m.step(); err != nil {
			return Pair{}, false, err
		}
		if len(m.heap) == 0 || !bytes.Equal(m.heap[0].key, m.key) {
			return Pair{m.key, m.values[0]}, true, nil
		}
	}
}

// step advances the input on top.
func (m *merger) step() error {
	ok, err := m.heap[0].advance()
	switch {
	case err != nil:
		return err
	case ok:
		heap.Fix(&m.heap, 0)
	default:
		heap.Pop(&m.heap)
	}
	return nil
}
