package objects

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/VictoriaMetrics/fastcache"
)

// CacheOptions size the cache before a store's reads.
type CacheOptions struct {
	// Bytes is the cache's size; fastcache rounds it up to 32 MiB.
	Bytes int
	// Cacheable reports whether a name has one content for ever; nil is
	// WriteOnce. What it accepts must never be rewritten: nothing is ever
	// dropped from the cache because the store changed.
	Cacheable func(key string) bool
	// Observer is told of hits and misses; it may be nil.
	Observer Observer
}

// WriteOnce reports whether key is a segment, gap or erase file, whose name
// ends in the digest of its content. Key pages are not: they lose keys, and a
// cached one would keep a secret that was erased.
func WriteOnce(key string) bool {
	return strings.HasSuffix(key, ".seg") || strings.HasSuffix(key, ".gap") || strings.HasSuffix(key, ".erase")
}

// bigEntry is the size from which fastcache wants SetBig. The entry, its key
// and its bookkeeping must be below 64 KiB together.
const bigEntry = 60 << 10

// shareOfOne is the part of the cache that one entry may have at most. What is
// larger is read once, by those who go through an archive: it would push out what
// is read again, and cost two copies.
const shareOfOne = 16

// Cache keeps what Get and ReadAt returned, by name and range, outside the
// garbage-collected heap, unless it is large. It does not see an object that was damaged, repaired
// or deleted since: verify reads without it.
func Cache(s Store, o CacheOptions) Store {
	if o.Cacheable == nil {
		o.Cacheable = WriteOnce
	}
	if o.Observer == nil {
		o.Observer = NopObserver{}
	}
	return &cached{Store: s, o: o, name: s.Name(), mem: fastcache.New(o.Bytes)}
}

type cached struct {
	Store
	o    CacheOptions
	name string
	mem  *fastcache.Cache
}

// Kinds of entries, the first byte of their key. fastcache keeps small and big
// ones differently, so their names must differ too.
const (
	entryWhole = 'w'
	entryRange = 'r'
	entryBig   = 'B'
)

// Get implements Reader.
func (c *cached) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ended(ctx); err != nil || !c.o.Cacheable(key) {
		return c.Store.Get(ctx, key)
	}
	name := entryName(entryWhole, key, 0, 0)
	if body, ok := c.load(name); ok {
		return body, nil
	}
	body, err := c.Store.Get(ctx, key)
	if err == nil && !c.large(len(body)) {
		c.save(name, body)
	}
	return body, err
}

// large reports whether something is too large to be kept.
func (c *cached) large(size int) bool { return size > c.o.Bytes/shareOfOne }

// ReadAt implements Reader. Only ranges that lie wholly in the object are
// kept: the end of one is asked for once, by its footer.
func (c *cached) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if err := ended(ctx); err != nil || !c.o.Cacheable(key) || len(p) == 0 || c.large(len(p)) {
		return c.Store.ReadAt(ctx, key, p, off)
	}
	name := entryName(entryRange, key, off, len(p))
	if body, ok := c.load(name); ok && len(body) == len(p) {
		return copy(p, body), nil
	}
	n, err := c.Store.ReadAt(ctx, key, p, off)
	if n == len(p) && (err == nil || errors.Is(err, io.EOF)) {
		c.save(name, p)
	}
	return n, err
}

// load returns a copy of an entry. An entry of no bytes is told from none by
// the mark that save puts before each.
func (c *cached) load(name []byte) ([]byte, bool) {
	entry := c.mem.Get(nil, name)
	if len(entry) == 0 {
		entry = c.mem.GetBig(nil, append([]byte{entryBig}, name...))
	}
	hit := len(entry) > 0
	c.o.Observer.Cache(c.name, hit, max(len(entry)-1, 0))
	if !hit {
		return nil, false
	}
	return entry[1:], true
}

func (c *cached) save(name, body []byte) {
	entry := make([]byte, 1+len(body))
	copy(entry[1:], body)
	if len(entry) < bigEntry {
		c.mem.Set(name, entry)
		return
	}
	c.mem.SetBig(append([]byte{entryBig}, name...), entry)
}

// entryName is the kind, offset and length, each of a fixed size, and the key.
func entryName(kind byte, key string, off int64, length int) []byte {
	name := binary.BigEndian.AppendUint64([]byte{kind}, uint64(off))
	name = binary.BigEndian.AppendUint64(name, uint64(length))
	return append(name, key...)
}
