package cover

import (
	"context"
	"io"
	"sync"
)

// remote reads one object by ranges. With ahead it asks for more than is wanted
// and keeps it, for readers that go through an object in order; with on it asks
// for what comes next while that is being used. It is not safe for concurrent
// use.
type remote struct {
	*ranges
	ctx     context.Context
	ahead   int64
	on      bool
	running *sync.WaitGroup // what on starts

	now  stretch
	next chan stretch // on its way, nil if nothing is
	from int64        // where next begins
}

// stretch is a part of the object in memory.
type stretch struct {
	buf []byte
	at  int64 // of buf in the object
	by  int   // the region that gave it
	err error // why it is empty
}

// has reports whether a byte is in the stretch.
func (s *stretch) has(off int64) bool { return off >= s.at && off < s.at+int64(len(s.buf)) }

// ReadAt is io.ReaderAt.
func (r *remote) ReadAt(p []byte, off int64) (n int, err error) {
	if !r.on && !r.now.has(off) && min(r.ahead, r.size-off) <= int64(len(p)) {
		return r.direct(p, off)
	}
	for n < len(p) {
		at := off + int64(n)
		if !r.now.has(at) {
			if err := r.advance(at); err != nil {
				return n, err
			}
		}
		r.hand(r.now.by)
		n += copy(p[n:], r.now.buf[at-r.now.at:])
	}
	return n, nil
}

// direct reads what is asked for and keeps nothing.
func (r *remote) direct(p []byte, off int64) (int, error) {
	want := min(int64(len(p)), r.size-off)
	if want <= 0 {
		return 0, io.EOF
	}
	got, by, err := r.read(r.ctx, off, want, nil, nil)
	if err != nil {
		return 0, err
	}
	r.hand(by)
	n := copy(p, got)
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// advance brings the stretch into memory that has an offset: the one on its way,
// if it does.
func (r *remote) advance(off int64) error {
	used := r.now.buf
	if r.next != nil && off >= r.from && off < r.from+r.ahead {
		r.now = <-r.next
	}
	r.next = nil
	if !r.now.has(off) {
		r.now, used = r.fetch(used, off), nil
	}
	if !r.now.has(off) {
		return r.now.err
	}
	if r.on {
		r.goOn(used, r.now.at+int64(len(r.now.buf)))
	}
	return nil
}

// fetch asks for the stretch from an offset on, into buf if it is large enough.
func (r *remote) fetch(buf []byte, off int64) stretch {
	want := min(r.ahead, r.size-off)
	if want <= 0 {
		return stretch{at: off, err: io.EOF}
	}
	got, by, err := r.read(r.ctx, off, want, buf, nil)
	return stretch{got, off, by, err}
}

// goOn asks for what follows.
func (r *remote) goOn(buf []byte, off int64) {
	if off >= r.size {
		return
	}
	next := make(chan stretch, 1)
	r.next, r.from = next, off
	r.running.Go(func() { next <- r.fetch(buf, off) })
}
