package archive

import (
	"context"
	"sync"
)

// budget is the one limit on memory: what fetches may bring, what they
// brought, what open segments hold and what waits for the stores. Only a new
// fetch ever waits for room; everything else is already in memory and is
// counted, so that nothing is ever dropped.
type budget struct {
	total int64
	// relieve is asked for room, in bytes, whenever a fetch has to wait. It
	// must not block.
	relieve func(need int64)
	observe func(used, total int64)

	mu    sync.Mutex
	used  int64
	freed chan struct{} // closed and replaced whenever bytes are given back
}

func newBudget(total int64, relieve func(int64), observe func(used, total int64)) *budget {
	return &budget{total: total, relieve: relieve, observe: observe, freed: make(chan struct{})}
}

// reserve waits until n more bytes fit. When nothing at all is in use it lets
// any n pass, so that a batch larger than the whole budget still gets through.
func (b *budget) reserve(ctx context.Context, n int64) error {
	for {
		b.mu.Lock()
		if b.used == 0 || b.used+n <= b.total {
			b.used += n
			b.mu.Unlock()
			return nil
		}
		need, freed := b.used+n-b.total, b.freed
		b.mu.Unlock()
		b.relieve(need)
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// add counts n bytes, or gives them back where n is negative.
func (b *budget) add(n int64) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	b.used += n
	used := b.used
	if n < 0 {
		close(b.freed)
		b.freed = make(chan struct{})
	}
	b.mu.Unlock()
	b.observe(used, b.total)
}
