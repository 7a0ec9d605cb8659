package cover

import "sync"

// room is what the Reads of an archive may hold in memory together of segments
// that they have fetched before they are needed, in bytes.
type room struct {
	mu   sync.Mutex
	free int64
}

// take reports whether so many bytes were free, and takes them then.
func (r *room) take(bytes int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if bytes > r.free {
		return false
	}
	r.free -= bytes
	return true
}

func (r *room) give(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += bytes
}

// buffers keeps the memory of segments for those that are fetched next: it is
// large, and new memory costs as much as what is done with the bytes in it.
type buffers struct{ pool sync.Pool }

// get returns a buffer of so many bytes with anything in it.
func (b *buffers) get(size int64) []byte {
	if kept, _ := b.pool.Get().(*[]byte); kept != nil && int64(cap(*kept)) >= size {
		return (*kept)[:size]
	}
	// Rounded up, so that segments of about one size fit.
	return make([]byte, size, (size+bufferStep-1)/bufferStep*bufferStep)
}

// put takes back a buffer that nobody reads any more.
func (b *buffers) put(buffer []byte) { b.pool.Put(&buffer) }
