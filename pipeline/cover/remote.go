package cover

import (
	"context"
	"io"
)

// remote reads one object by ranges. With ahead it asks for more than is wanted
// and keeps it, for readers that go through an object in order. It is not safe
// for concurrent use.
type remote struct {
	ctx     context.Context
	objects Objects
	key     string
	size    int64
	ahead   int64

	buf []byte
	at  int64 // of buf in the object
}

// ReadAt is io.ReaderAt.
func (r *remote) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.at && off+int64(len(p)) <= r.at+int64(len(r.buf)) {
		return copy(p, r.buf[off-r.at:]), nil
	}
	want := min(r.ahead, r.size-off)
	if want <= int64(len(p)) {
		return r.objects.ReadAt(r.ctx, r.key, p, off)
	}
	return r.fill(p, off, want)
}

func (r *remote) fill(p []byte, off, want int64) (int, error) {
	if int64(cap(r.buf)) < want {
		r.buf = make([]byte, want)
	}
	n, err := r.objects.ReadAt(r.ctx, r.key, r.buf[:want], off)
	r.buf, r.at = r.buf[:n], off
	if n < len(p) && err == nil {
		err = io.ErrUnexpectedEOF
	}
	if n >= len(p) {
		err = nil
	}
	return copy(p, r.buf), err
}
