package cover

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// plain is an object in a store, and what was asked for.
type plain struct {
	Objects
	data []byte
	fail error

	mu    sync.Mutex
	sent  int
	calls int
}

func (o *plain) ReadAt(_ context.Context, _ string, p []byte, off int64) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	if o.fail != nil {
		return 0, o.fail
	}
	n, err := bytes.NewReader(o.data).ReadAt(p, off)
	o.sent += n
	return n, err
}

func newRemote(size int, ahead int64, on bool) (*remote, *plain) {
	o := &plain{data: make([]byte, size)}
	for i := range o.data {
		o.data[i] = byte(rand.Uint32())
	}
	a, err := New(nil, []Region{{Name: "a", Objects: o}})
	if err != nil {
		panic(err)
	}
	all := &ranges{archive: a, size: int64(size), regions: []int{0}}
	return &remote{ctx: context.Background(), ranges: all, ahead: ahead, on: on, running: &sync.WaitGroup{}}, o
}

// Whatever is asked for, in whatever order, the bytes are those of the object.
func TestRemoteReadsAnywhere(t *testing.T) {
	for _, on := range []bool{false, true} {
		r, o := newRemote(10_000, 700, on)
		for range 5000 {
			off := rand.Int64N(10_100)
			p := make([]byte, 1+rand.IntN(2000))
			want := make([]byte, len(p))
			n, err := r.ReadAt(p, off)
			m, bad := bytes.NewReader(o.data).ReadAt(want, off)
			if n != m || !bytes.Equal(p[:n], want[:m]) || (err == nil) != (bad == nil || errors.Is(bad, io.EOF) && n == len(p)) {
				t.Fatalf("on %v: ReadAt(%d bytes, %d) = %d, %v, want %d, %v", on, len(p), off, n, err, m, bad)
			}
		}
		r.running.Wait()
	}
}

// In order, every byte is asked for once, and in few requests.
func TestRemoteReadsInOrder(t *testing.T) {
	r, o := newRemote(10_000, 1000, true)
	for off := int64(0); off < r.size; off += 300 {
		p := make([]byte, min(300, r.size-off))
		if n, err := r.ReadAt(p, off); n != len(p) || err != nil || !bytes.Equal(p, o.data[off:off+int64(n)]) {
			t.Fatalf("at %d: %d, %v", off, n, err)
		}
	}
	r.running.Wait()
	if o.sent != 10_000 || o.calls != 10 {
		t.Errorf("%d bytes in %d requests, want 10000 in 10", o.sent, o.calls)
	}
}

// A stretch that failed on its way is asked for again by who needs it.
func TestRemoteFailsAndRecovers(t *testing.T) {
	r, o := newRemote(3000, 1000, true)
	p := make([]byte, 1000)
	if _, err := r.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	r.running.Wait()
	broken := errors.New("broken")
	o.fail = broken
	if _, err := r.ReadAt(p, 1000); err != nil { // was on its way before
		t.Fatal(err)
	}
	r.running.Wait()
	if _, err := r.ReadAt(p, 2000); !errors.Is(err, broken) {
		t.Errorf("got %v, want the store's error", err)
	}
	o.fail = nil
	if _, err := r.ReadAt(p, 2000); err != nil || !bytes.Equal(p, o.data[2000:]) {
		t.Errorf("after it recovered: %v", err)
	}
}
