package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/object"
)

// MemoryOptions chooses what a Memory store can do. The zero value is a store
// without versions and locks.
type MemoryOptions struct {
	// Label makes the store's name, "memory:<label>".
	Label string
	// Versioning keeps older versions. ObjectLock implies it, as in S3.
	Versioning, ObjectLock bool
	// GetLimit bounds Get in bytes; 0 is DefaultGetLimit.
	GetLimit int64
	// Now is the clock for locks and times; nil is time.Now.
	Now func() time.Time
}

// Memory is a store for tests, with S3's versions, delete markers and Object
// Lock. Its contents end with the process.
type Memory struct {
	o MemoryOptions

	mu   sync.RWMutex
	keys map[string][]memoryVersion // oldest first, never empty
	next int
}

// memoryVersion is one version or delete marker. Its body is never changed.
type memoryVersion struct {
	info object.Info
	body []byte
}

// NewMemory returns an empty store.
func NewMemory(o MemoryOptions) *Memory {
	o.Versioning = o.Versioning || o.ObjectLock
	o.GetLimit = getLimit(o.GetLimit)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Memory{o: o, keys: map[string][]memoryVersion{}}
}

func getLimit(n int64) int64 {
	if n == 0 {
		return DefaultGetLimit
	}
	return n
}

// Close implements Store. It keeps the contents, so that a test can open them
// again.
func (m *Memory) Close() error { return nil }

// Name implements Inspector.
func (m *Memory) Name() string { return "memory:" + m.o.Label }

// Capabilities implements Inspector.
func (m *Memory) Capabilities(context.Context) (Capabilities, error) {
	return Capabilities{Versioning: m.o.Versioning, ObjectLock: m.o.ObjectLock, HasSkew: true}, nil
}

// Put implements Writer.
func (m *Memory) Put(ctx context.Context, key string, body []byte, o PutOptions) error {
	if err := m.begin(ctx, "put", key); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return invalid(m.Name(), "put", key, err)
	}
	if o.Mode != LockNone && !m.o.ObjectLock {
		return unlockable(m.Name(), key)
	}
	if o.sum(body) != crc32c(body) {
		return changed(m.Name(), key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.newest(key); ok {
		return taken(m.Name(), key)
	}
	m.add(key, memoryVersion{body: bytes.Clone(body), info: object.Info{
		Size: int64(len(body)), CRC32C: crc32c(body), HasCRC32C: true, RetainUntil: o.RetainUntil.UTC().Truncate(time.Second)}})
	return nil
}

// unlockable is the error of a locked Put to a store that cannot lock:
// dropping the lock without a word would be a lie about seven years.
func unlockable(store, key string) error {
	return &Error{Op: "put", Key: key, Store: store, Code: CodeUnsupported, Kind: errors.ErrUnsupported,
		Hint: "this store has no Object Lock; configure no lock for it"}
}

// changed is the error of a Put whose body is not what its checksum says.
func changed(store, key string) error {
	return &Error{Op: "put", Key: key, Store: store, Code: CodeChecksum, Kind: ErrCorrupt,
		Hint: "the body changed in memory; look at the machine's memory"}
}

// Get implements Reader.
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	v, err := m.look(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	if v.info.Size > m.o.GetLimit {
		return nil, tooLarge(m.Name(), key, v.info.Size, m.o.GetLimit)
	}
	return bytes.Clone(v.body), nil
}

// ReadAt implements Reader.
func (m *Memory) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	v, err := m.look(ctx, "readat", key)
	if err != nil {
		return 0, err
	}
	n, err := bytes.NewReader(v.body).ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, invalid(m.Name(), "readat", key, err)
	}
	return n, err
}

// Stat implements Reader.
func (m *Memory) Stat(ctx context.Context, key string) (object.Info, error) {
	v, err := m.look(ctx, "stat", key)
	return v.info, err
}

// List implements Reader. It shows the store as it was when the loop began.
func (m *Memory) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		if err := checkPrefix(prefix); err != nil {
			yield(object.Info{}, invalid(m.Name(), "list", prefix, err))
			return
		}
		for _, info := range m.snapshot(prefix, after) {
			if err := ended(ctx); err != nil {
				yield(object.Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (m *Memory) snapshot(prefix, after string) []object.Info {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []object.Info
	for key := range m.keys {
		v, ok := m.newest(key)
		if ok && strings.HasPrefix(key, prefix) && key > after {
			v.info.CRC32C, v.info.HasCRC32C = 0, false // as S3's listing, which has none
			all = append(all, v.info)
		}
	}
	slices.SortFunc(all, func(a, b object.Info) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// Versions implements Deleter.
func (m *Memory) Versions(ctx context.Context, key string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		if err := m.begin(ctx, "versions", key); err != nil {
			yield(object.Info{}, err)
			return
		}
		m.mu.RLock()
		all := slices.Clone(m.keys[key])
		m.mu.RUnlock()
		for _, v := range slices.Backward(all) {
			if !yield(v.info, nil) {
				return
			}
		}
	}
}

// DeleteVersion implements Deleter.
func (m *Memory) DeleteVersion(ctx context.Context, key, version string) error {
	if err := m.begin(ctx, "delete", key); err != nil {
		return err
	}
	if m.o.Versioning && version == "" {
		return unnamedVersion(m.Name(), key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.keys[key], func(v memoryVersion) bool { return v.info.Version == version })
	if i < 0 {
		return nil
	}
	if m.keys[key][i].info.RetainUntil.After(m.o.Now()) {
		return locked(m.Name(), key)
	}
	left := slices.Delete(slices.Clone(m.keys[key]), i, i+1)
	if len(left) == 0 {
		delete(m.keys, key)
		return nil
	}
	m.keys[key] = left
	return nil
}

// unnamedVersion is the error of a deletion without a version where there are
// versions: S3 would answer it with a delete marker.
func unnamedVersion(store, key string) error {
	return invalid(store, "delete", key, errors.New("no version named: it would only hide the object"))
}

// Hide puts a delete marker on key, as an operator's console does. S3 allows it
// on locked objects too, and the name is then free again.
func (m *Memory) Hide(key string) error {
	if !m.o.Versioning {
		return fmt.Errorf("hide %q: %w", key, errors.ErrUnsupported)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(key, memoryVersion{info: object.Info{DeleteMarker: true}})
	return nil
}

// begin is what every call on one key checks first.
func (m *Memory) begin(ctx context.Context, op, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if err := CheckKey(key); err != nil {
		return invalid(m.Name(), op, key, err)
	}
	return nil
}

func (m *Memory) look(ctx context.Context, op, key string) (memoryVersion, error) {
	if err := m.begin(ctx, op, key); err != nil {
		return memoryVersion{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.newest(key)
	if !ok {
		return memoryVersion{}, absent(m.Name(), op, key)
	}
	return v, nil
}

// newest returns the object under key, if no delete marker hides it. The
// caller holds the lock.
func (m *Memory) newest(key string) (memoryVersion, bool) {
	all := m.keys[key]
	if len(all) == 0 || all[len(all)-1].info.DeleteMarker {
		return memoryVersion{}, false
	}
	return all[len(all)-1], true
}

// add appends a version. The caller holds the lock.
func (m *Memory) add(key string, v memoryVersion) {
	v.info.Key, v.info.Modified = key, m.o.Now()
	if m.o.Versioning {
		m.next++
		v.info.Version = "v" + strconv.Itoa(m.next)
	}
	m.keys[key] = append(m.keys[key], v)
}
