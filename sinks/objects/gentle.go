package objects

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// Gentle lowers the number of calls at a time to a store that asks for it
// (503 SlowDown, 429), and raises it again while it does not: by half, at most
// once a second, and by an eighth, or one call, after each second without such an
// answer. Until a store first says so there is no limit. Lists take no part: what
// is done with their entries may be calls to this very store.
func Gentle(s Store) Store {
	g := &gentle{limit: noLimit}
	return &around{Store: s, call: g.call}
}

// noLimit is more calls than anybody makes at a time.
const noLimit = 1 << 16

// gentleStep is the least time between two cuts: calls that were out when the
// first refusal came are refused too, and say nothing new. It is also the least
// time without a refusal before the limit is raised.
const gentleStep = time.Second

type gentle struct {
	mu    sync.Mutex
	limit int // calls at a time
	out   int
	queue list.List // of chan struct{}: closed when its turn has come
	cut   time.Time // when the limit was lowered
	rest  time.Time // when it was raised, or the store asked for less
}

func (g *gentle) call(ctx context.Context, op, _ string, do func(context.Context) (int64, error)) error {
	if op == "list" || op == "versions" {
		_, err := do(ctx)
		return err
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	_, err := do(ctx)
	g.leave(err)
	return err
}

// enter waits for a place. The error is that of the context.
func (g *gentle) enter(ctx context.Context) error {
	g.mu.Lock()
	if g.queue.Len() == 0 && g.out < g.limit {
		g.out++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := g.queue.PushBack(turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		g.giveUp(place, turn)
		return ctx.Err()
	}
}

// giveUp leaves the queue, or gives back a place that came at the same moment.
func (g *gentle) giveUp(place *list.Element, turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-turn:
		g.out--
		g.admit()
	default:
		g.queue.Remove(place)
	}
}

func (g *gentle) leave(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if isThrottled(err) {
		if now.Sub(g.cut) >= gentleStep {
			g.limit, g.cut = max(1, min(g.limit, g.out)/2), now
		}
		g.rest = now
	} else if err == nil && g.limit < noLimit && now.Sub(g.rest) >= gentleStep {
		g.limit, g.rest = g.limit+max(1, g.limit/8), now
	}
	g.out--
	g.admit()
}

// admit lets in whom there is room for. mu is held.
func (g *gentle) admit() {
	for g.queue.Len() > 0 && g.out < g.limit {
		g.out++
		close(g.queue.Remove(g.queue.Front()).(chan struct{}))
	}
}

// isThrottled reports that a store works and asks for fewer calls.
func isThrottled(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded":
		return true
	}
	return false
}
