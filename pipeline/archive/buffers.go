package archive

import (
	"math/bits"
	"sync"
)

// buffers keeps the memory of stored segments for the next ones, sorted by
// powers of two: a partition with little traffic must not sit on the buffer of
// a busy one, because the budget counts capacity.
type buffers struct {
	classes [32]sync.Pool
}

// smallest is the class below which it is not worth keeping a buffer.
const smallest = 16 // 64 KiB

// get returns an empty buffer that holds about n bytes, or nil.
func (b *buffers) get(n int) []byte {
	class := bits.Len(uint(max(n, 1) - 1))
	if class < smallest || class >= len(b.classes) {
		return nil
	}
	if kept, ok := b.classes[class].Get().(*[]byte); ok {
		return (*kept)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// put takes back a buffer that nobody uses any more.
func (b *buffers) put(buf []byte) {
	class := bits.Len(uint(cap(buf))) - 1
	if class >= smallest && class < len(b.classes) {
		b.classes[class].Put(&buf)
	}
}

// cores lets no more sealers work at a time than there are processors: more
// would not be faster, and each has compressors and tables in its hands.
type cores chan struct{}

func (c cores) with(work func() error) error {
	c <- struct{}{}
	defer func() { <-c }()
	return work()
}
