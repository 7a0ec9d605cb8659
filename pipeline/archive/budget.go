package archive

import (
	"context"
	"sync"
	"time"
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

	mu      sync.Mutex
	used    int64
	leaving int64         // the part of used that is sealed and on its way to the stores
	freed   chan struct{} // closed and replaced whenever bytes are given back
}

func newBudget(total int64, relieve func(int64), observe func(used, total int64)) *budget {
	return &budget{total: total, relieve: relieve, observe: observe, freed: make(chan struct{})}
}

// reserve waits until n more bytes fit. When nothing at all is in use it lets
// any n pass, so that a batch larger than the whole budget still gets through.
//
// What is on its way to the stores already counts as room to come; only when
// it does not come soon are more segments closed. Otherwise one wait would
// close every open segment, one after the other.
func (b *budget) reserve(ctx context.Context, n int64) error {
	began, asked := time.Now(), time.Time{}
	tick := time.NewTicker(relieveEvery)
	defer tick.Stop()
	patient, moved := true, true // moved: there is a reason to ask, anew
	for {
		now := time.Now()
		if patient && now.Sub(began) >= relieveAfter {
			patient, moved = false, true
		}
		need, freed := b.try(n, patient)
		if freed == nil {
			return nil
		}
		if need > 0 && moved && now.Sub(asked) >= relieveEvery {
			b.relieve(need)
			asked, moved = now, false
		}
		select {
		case <-freed:
			moved = true
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// try reserves n bytes if they fit; freed is nil then. Otherwise it tells how
// many bytes somebody has to be asked for, and what to wait for.
func (b *budget) try(n int64, patient bool) (need int64, freed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == 0 || b.used+n <= b.total {
		b.used += n
		return 0, nil
	}
	need = b.used + n - b.total
	if patient {
		need -= b.leaving
	}
	return need, b.freed
}

// add counts n bytes, or gives them back where n is negative.
func (b *budget) add(n int64) {
	b.change(n, 0)
}

// seal turns what an open segment held into what it has sealed.
func (b *budget) seal(held, sealed int64) {
	b.change(sealed-held, sealed)
}

// unseal gives back what was sealed: it is stored, or forgotten.
func (b *budget) unseal(sealed int64) {
	b.change(-sealed, -sealed)
}

func (b *budget) change(n, leaving int64) {
	if n == 0 && leaving == 0 {
		return
	}
	b.mu.Lock()
	b.used += n
	b.leaving += leaving
	used := b.used
	if n < 0 {
		close(b.freed)
		b.freed = make(chan struct{})
	}
	b.mu.Unlock()
	b.observe(used, b.total)
}
