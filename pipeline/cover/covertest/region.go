package covertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
)

// ErrDown is what a region that is down returns.
var ErrDown = errors.New("region is down")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Region keeps objects and key pages in memory.
type Region struct {
	Name string

	mu      sync.Mutex
	objects map[string][]byte
	locks   map[string]time.Time
	pages   map[names.PageID]bool
	fail    func(op, key string) error
	delay   func(op, key string) time.Duration
	calls   map[string]int
	sent    int64
}

// NewRegion makes an empty region.
func NewRegion(name string) *Region {
	return &Region{Name: name, objects: map[string][]byte{}, locks: map[string]time.Time{}, pages: map[names.PageID]bool{}, calls: map[string]int{}}
}

// Fail makes calls fail for which f returns an error; nil ends that. The
// operations are get, readat, stat, list, secret and put; of Delay, entry too,
// which is each entry of a list.
func (r *Region) Fail(f func(op, key string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = f
}

// Down makes every call fail with ErrDown.
func (r *Region) Down() {
	r.Fail(func(op, key string) error { return fmt.Errorf("%s %s: %w", op, key, ErrDown) })
}

// Forever is a delay that only the end of the context ends.
const Forever = time.Duration(-1)

// Delay makes calls wait before they do anything; nil ends that.
func (r *Region) Delay(f func(op, key string) time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = f
}

// Hang makes every call wait until its context ends, as a server does whose
// packets are dropped.
func (r *Region) Hang() { r.Delay(func(string, string) time.Duration { return Forever }) }

func (r *Region) await(ctx context.Context, op, key string) error {
	r.mu.Lock()
	delay := r.delay
	r.mu.Unlock()
	if delay == nil {
		return nil
	}
	d := delay(op, key)
	if d == Forever {
		<-ctx.Done()
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Calls returns how often an operation was asked for.
func (r *Region) Calls(op string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[op]
}

// Sent returns how many bytes of objects were read.
func (r *Region) Sent() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

func (r *Region) send(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent += int64(n)
}

func (r *Region) enter(ctx context.Context, op, key string) error {
	r.calls[op]++
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.fail != nil {
		return r.fail(op, key)
	}
	return nil
}

func (r *Region) look(ctx context.Context, op, key string) ([]byte, error) {
	if err := r.await(ctx, op, key); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.enter(ctx, op, key); err != nil {
		return nil, err
	}
	b, ok := r.objects[key]
	if !ok {
		return nil, fmt.Errorf("%s %q in %s: %w", op, key, r.Name, fs.ErrNotExist)
	}
	return b, nil
}

// Get implements cover.Objects.
func (r *Region) Get(ctx context.Context, key string) ([]byte, error) {
	b, err := r.look(ctx, "get", key)
	r.send(len(b))
	return bytes.Clone(b), err
}

// ReadAt implements cover.Objects.
func (r *Region) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	b, err := r.look(ctx, "readat", key)
	if err != nil {
		return 0, err
	}
	n, err := bytes.NewReader(b).ReadAt(p, off)
	r.send(n)
	if n < len(p) && err == nil {
		err = io.EOF
	}
	return n, err
}

// Stat implements cover.Objects.
func (r *Region) Stat(ctx context.Context, key string) (object.Info, error) {
	b, err := r.look(ctx, "stat", key)
	if err != nil {
		return object.Info{}, err
	}
	return object.Info{Key: key, Size: int64(len(b)), CRC32C: crc32.Checksum(b, castagnoli), HasCRC32C: true, RetainUntil: r.Locked(key)}, nil
}

// Locked returns the date until which an object is locked, zero for no lock.
func (r *Region) Locked(key string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.locks[key]
}

// List implements cover.Objects.
func (r *Region) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		if err := r.await(ctx, "list", prefix); err != nil {
			yield(object.Info{}, err)
			return
		}
		r.mu.Lock()
		err := r.enter(ctx, "list", prefix)
		var out []object.Info
		for _, key := range slices.Sorted(maps.Keys(r.objects)) {
			if strings.HasPrefix(key, prefix) && key > after {
				out = append(out, object.Info{Key: key, Size: int64(len(r.objects[key]))})
			}
		}
		r.mu.Unlock()
		if err != nil {
			yield(object.Info{}, err)
			return
		}
		for _, info := range out {
			if err := r.await(ctx, "entry", info.Key); err != nil {
				yield(object.Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Secret implements cover.Secrets.
func (r *Region) Secret(ctx context.Context, page names.PageID, slot uint16) (block.Secret, error) {
	if err := r.await(ctx, "secret", page.String()); err != nil {
		return block.Secret{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.enter(ctx, "secret", page.String()); err != nil {
		return block.Secret{}, err
	}
	if !r.pages[page] {
		return block.Secret{}, fmt.Errorf("page %s in %s: %w", page, r.Name, fs.ErrNotExist)
	}
	return SecretOf(page, slot), nil
}

// Ensure stores an object; other bytes under the name are fs.ErrExist.
func (r *Region) Ensure(ctx context.Context, key string, body []byte, retainUntil time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.enter(ctx, "put", key); err != nil {
		return err
	}
	if have, ok := r.objects[key]; ok && !bytes.Equal(have, body) {
		return fmt.Errorf("put %q in %s: %w", key, r.Name, fs.ErrExist)
	}
	r.objects[key] = bytes.Clone(body)
	if !retainUntil.IsZero() {
		r.locks[key] = retainUntil
	}
	return nil
}

// Put stores an object, whatever was there.
func (r *Region) Put(key string, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[key] = bytes.Clone(body)
}

// Object returns an object's bytes, nil if there is none.
func (r *Region) Object(key string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.objects[key])
}

// Keys returns all names, sorted.
func (r *Region) Keys() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.objects))
}

// Remove deletes an object.
func (r *Region) Remove(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.objects, key)
}

// Flip changes one bit of a byte; a negative position counts from the end.
func (r *Region) Flip(key string, at int) {
	b := r.Object(key)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	r.Put(key, b)
}

// Cut keeps the first n bytes of an object; a negative n cuts off so many.
func (r *Region) Cut(key string, n int) {
	b := r.Object(key)
	if n < 0 {
		n += len(b)
	}
	r.Put(key, b[:n])
}

// Swap exchanges the contents of two names.
func (r *Region) Swap(a, b string) {
	x, y := r.Object(a), r.Object(b)
	r.Put(a, y)
	r.Put(b, x)
}

// AddPage puts a key page into the region.
func (r *Region) AddPage(id names.PageID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages[id] = true
}

// HasPage reports whether the region has a key page.
func (r *Region) HasPage(id names.PageID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pages[id]
}

// RemovePage takes a key page away.
func (r *Region) RemovePage(id names.PageID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pages, id)
}

// Pages returns the key pages of the region. It may be called from a Fail hook.
func (r *Region) Pages() []names.PageID { return slices.Collect(maps.Keys(r.pages)) }

// SameCRC changes five bytes from a position on so that the CRC-32C of the
// whole stays what it was: the generator polynomial, added to the bits.
func SameCRC(data []byte, at int) []byte {
	out := bytes.Clone(data)
	for i, b := range [...]byte{0x01, 0, 0, 0, 0} {
		out[at+i] ^= b
	}
	// After one flipped bit, the register differs by that of a message of the
	// flip alone; the four bytes that follow cancel it.
	diff := crc32.Update(0, castagnoli, []byte{1}) ^ crc32.Update(0, castagnoli, []byte{0})
	for i := range 4 {
		out[at+1+i] ^= byte(diff >> (8 * i))
	}
	return out
}
