package archive_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
)

// slot is where a secret is.
type slot struct {
	page names.PageID
	n    uint16
}

// secretBook hands out secrets, eight to a page, and remembers them.
type secretBook struct {
	mu    sync.Mutex
	page  names.PageID
	n     uint16
	known map[slot]block.Secret
}

func (b *secretBook) Next() (names.PageID, uint16, block.Secret, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n%8 == 0 {
		rand.Read(b.page[:])
		b.n = 0
	}
	var s block.Secret
	rand.Read(s[:])
	at := slot{b.page, b.n}
	b.known[at] = s
	b.n++
	return at.page, at.n, s, nil
}

func (b *secretBook) get(page names.PageID, n uint16) block.Secret {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[slot{page, n}]
}

// memoryRegion is one region that can be made to fail.
type memoryRegion struct {
	name string

	mu      sync.Mutex
	objects map[string][]byte
	pages   map[names.PageID]bool
	fail    func(name string) error // asked before every write; nil for none
	after   func(name string) error // asked after a write has been applied
}

func newMemoryRegion(name string) *memoryRegion {
	return &memoryRegion{name: name, objects: map[string][]byte{}, pages: map[names.PageID]bool{}}
}

func (r *memoryRegion) Name() string { return r.name }

func (r *memoryRegion) EnsurePage(_ context.Context, page names.PageID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		if err := r.fail(names.Page(page)); err != nil {
			return err
		}
	}
	r.pages[page] = true
	return nil
}

func (r *memoryRegion) Ensure(_ context.Context, name string, body []byte, sum uint32, _ time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)); got != sum {
		return fmt.Errorf("%s: CRC-32C %08x, want %08x", name, got, sum)
	}
	if r.fail != nil {
		if err := r.fail(name); err != nil {
			return err
		}
	}
	if old, ok := r.objects[name]; ok && !bytes.Equal(old, body) {
		return fmt.Errorf("%s: other bytes: %w", name, fs.ErrExist)
	}
	r.objects[name] = bytes.Clone(body)
	if r.after != nil {
		return r.after(name)
	}
	return nil
}

func (r *memoryRegion) set(fail func(name string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

var errAway = errors.New("region is away")

func away(string) error { return errAway }

func (r *memoryRegion) object(name string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.objects[name]
}

func (r *memoryRegion) hasPage(p names.PageID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pages[p]
}

// copyPages takes over the key pages of another region, while this one is
// there.
func (r *memoryRegion) copyPages(other *memoryRegion) {
	other.mu.Lock()
	pages := slices.Collect(maps.Keys(other.pages))
	other.mu.Unlock()
	for _, p := range pages {
		if r.EnsurePage(context.Background(), p) != nil {
			return
		}
	}
}

func (r *memoryRegion) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for n := range r.objects {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

func (r *memoryRegion) allRanges() (out []names.Range) {
	for _, n := range r.names() {
		parsed, err := names.ParseRange(n)
		if err != nil {
			panic(err)
		}
		out = append(out, parsed)
	}
	return out
}

func (r *memoryRegion) ranges(p names.Partition) (out []names.Range) {
	for _, n := range r.allRanges() {
		if n.Partition == p {
			out = append(out, n)
		}
	}
	return out
}

// digest stands in for the full digest of an object: its short one.
func (r *memoryRegion) digest(n names.Range) (d names.Digest) {
	copy(d[:], n.Digest[:])
	return d
}

// put stores an object as another archiver would.
func (r *memoryRegion) put(name string, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[name] = body
}
