package archive

import (
	"math/bits"
	"sync"
)

// buffers keeps the memory of stored segments for the next ones, sorted by
// powers of two: a partition with little traffic must not sit on the buffer of
// a busy one, because the budget counts capacity. A sync.Pool would be emptied
// by every collection, and the next segments would grow from nothing again.
type buffers struct {
	most int // bytes to keep

	mu   sync.Mutex
	kept int
	free [32][][]byte
}

// smallest is the class below which it is not worth keeping a buffer.
const smallest = 16 // 64 KiB

// get returns an empty buffer that holds about n bytes, or nil.
func (b *buffers) get(n int) []byte {
	class := bits.Len(uint(max(n, 1) - 1))
	if class < smallest || class >= len(b.free) {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.free[class]) - 1
	if last < 0 {
		return make([]byte, 0, 1<<class)
	}
	buf := b.free[class][last]
	b.free[class] = b.free[class][:last]
	b.kept -= cap(buf)
	return buf
}

// grow moves what old holds into a buffer of at least n bytes, and keeps old
// for the next: memory that was used before need not be cleared, nor asked of
// the operating system.
func (b *buffers) grow(old []byte, n int) []byte {
	larger := b.get(n)
	if cap(larger) < n { // out of the classes
		larger = make([]byte, 0, n)
	}
	larger = append(larger, old...)
	b.put(old)
	return larger
}

// put takes back a buffer that nobody uses any more.
func (b *buffers) put(buf []byte) {
	class := bits.Len(uint(cap(buf))) - 1
	b.mu.Lock()
	defer b.mu.Unlock()
	if class < smallest || class >= len(b.free) || b.kept+cap(buf) > b.most {
		return
	}
	b.free[class] = append(b.free[class], buf[:0])
	b.kept += cap(buf)
}

// cores lets no more sealers work at a time than there are processors: more
// would not be faster, and each has compressors and tables in its hands.
type cores chan struct{}

func (c cores) with(work func() error) error {
	c <- struct{}{}
	defer func() { <-c }()
	return work()
}
