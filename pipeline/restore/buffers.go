package restore

import "sync"

// buffers keeps the memory of batches that arrived for the next ones, so that a
// restore allocates none for batches that it does not build itself.
type buffers struct{ pool sync.Pool }

// own returns the bytes of a cut as bytes that may be changed, and what to give
// back when nobody needs them any more.
func (b *buffers) own(c cut) ([]byte, *[]byte) {
	if !c.shared {
		return c.bytes, nil
	}
	buffer, _ := b.pool.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	*buffer = append((*buffer)[:0], c.bytes...)
	return *buffer, buffer
}

// put takes a buffer back, unless it is nil.
func (b *buffers) put(buffer *[]byte) {
	if buffer != nil && cap(*buffer) <= keptBuffer {
		b.pool.Put(buffer)
	}
}
