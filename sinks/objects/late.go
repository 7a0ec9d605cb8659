package objects

import (
	"context"
	"iter"
	"sync"

	"github.com/tidemark-io/tidemark/codec/object"
)

// Late is a store that could not be opened yet, such as a directory that is not
// mounted. Each call tries to open it and fails while it does not, as a call to
// a server that is down would; from the first that does, all go through. The
// errors are not Retryable: who mounts it takes longer than a retry does.
func Late(name string, open func() (Store, error)) Store {
	return &late{name: name, open: open}
}

type late struct {
	name string
	open func() (Store, error)

	mu    sync.Mutex
	store Store // nil until it was opened
}

func (l *late) get(ctx context.Context, op, key string) (Store, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store != nil {
		return l.store, nil
	}
	s, err := l.open()
	if err != nil {
		// Only the text: what is missing is the store and not an object in it.
		return nil, &Error{Op: op, Key: key, Store: l.name, Code: CodeIO + ": " + err.Error(), Hint: "mount it, or make it anew by tidemark init"}
	}
	l.store = s
	return s, nil
}

// Put implements Store.
func (l *late) Put(ctx context.Context, key string, body []byte, o PutOptions) error {
	s, err := l.get(ctx, "put", key)
	if err != nil {
		return err
	}
	return s.Put(ctx, key, body, o)
}

// Get implements Store.
func (l *late) Get(ctx context.Context, key string) ([]byte, error) {
	s, err := l.get(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, key)
}

// ReadAt implements Store.
func (l *late) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	s, err := l.get(ctx, "readat", key)
	if err != nil {
		return 0, err
	}
	return s.ReadAt(ctx, key, p, off)
}

// Stat implements Store.
func (l *late) Stat(ctx context.Context, key string) (object.Info, error) {
	s, err := l.get(ctx, "stat", key)
	if err != nil {
		return object.Info{}, err
	}
	return s.Stat(ctx, key)
}

// List implements Store.
func (l *late) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	s, err := l.get(ctx, "list", prefix)
	if err != nil {
		return func(yield func(object.Info, error) bool) { yield(object.Info{}, err) }
	}
	return s.List(ctx, prefix, after)
}

// Versions implements Store.
func (l *late) Versions(ctx context.Context, key string) iter.Seq2[object.Info, error] {
	s, err := l.get(ctx, "versions", key)
	if err != nil {
		return func(yield func(object.Info, error) bool) { yield(object.Info{}, err) }
	}
	return s.Versions(ctx, key)
}

// DeleteVersion implements Store.
func (l *late) DeleteVersion(ctx context.Context, key, version string) error {
	s, err := l.get(ctx, "delete", key)
	if err != nil {
		return err
	}
	return s.DeleteVersion(ctx, key, version)
}

// Name implements Store.
func (l *late) Name() string { return l.name }

// Capabilities implements Store.
func (l *late) Capabilities(ctx context.Context) (Capabilities, error) {
	s, err := l.get(ctx, "capabilities", "")
	if err != nil {
		return Capabilities{}, err
	}
	return s.Capabilities(ctx)
}

// Close implements Store.
func (l *late) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store == nil {
		return nil
	}
	return l.store.Close()
}
