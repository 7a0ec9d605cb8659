package keys

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// cache remembers the most recently used values, at most limit of them, and
// loads a missing one once however many ask for it at the same time: a KMS
// that throttles must not see one call for each reader.
type cache[K comparable, V any] struct {
	limit int
	// drop wipes a value that is forgotten.
	drop func(V)

	mu      sync.Mutex
	order   *list.List // of *entry[K, V], the most recently used in front
	entries map[K]*list.Element
	loading map[K]*load
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// load is one load under way; err is set before done is closed.
type load struct {
	done chan struct{}
	err  error
}

func newCache[K comparable, V any](limit int, drop func(V)) *cache[K, V] {
	return &cache[K, V]{limit: limit, drop: drop, order: list.New(),
		entries: map[K]*list.Element{}, loading: map[K]*load{}}
}

// with calls use with the value of k, loading it first if need be. The value
// may be wiped as soon as use returns. Errors are not remembered.
func (c *cache[K, V]) with(ctx context.Context, k K, fetch func(context.Context) (V, error), use func(V)) error {
	for {
		l, leader := c.find(k, use)
		if l == nil {
			return nil
		}
		if leader {
			return c.fill(ctx, k, l, fetch, use)
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if l.err != nil && !gaveUp(l.err) {
			return l.err
		}
	}
}

// gaveUp reports that whoever was loading ran out of its own time, which says
// nothing about ours.
func gaveUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// find uses a known value and returns nil, or returns the load to wait for,
// or a new one for the caller to do.
func (c *cache[K, V]) find(k K, use func(V)) (l *load, leader bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[k]; ok {
		c.order.MoveToFront(e)
		use(e.Value.(*entry[K, V]).value)
		return nil, false
	}
	if l, ok := c.loading[k]; ok {
		return l, false
	}
	l = &load{done: make(chan struct{})}
	c.loading[k] = l
	return l, true
}

func (c *cache[K, V]) fill(ctx context.Context, k K, l *load, fetch func(context.Context) (V, error), use func(V)) error {
	v, err := fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(l.done)
	delete(c.loading, k)
	if l.err = err; err != nil {
		return err
	}
	use(v)
	c.entries[k] = c.order.PushFront(&entry[K, V]{key: k, value: v})
	if c.order.Len() > c.limit {
		c.evict(c.order.Back())
	}
	return nil
}

func (c *cache[K, V]) evict(e *list.Element) {
	old := c.order.Remove(e).(*entry[K, V])
	delete(c.entries, old.key)
	c.drop(old.value)
}

// clear wipes and forgets everything.
func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.order.Len() > 0 {
		c.evict(c.order.Back())
	}
}
