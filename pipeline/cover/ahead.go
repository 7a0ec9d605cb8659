package cover

import (
	"context"
	"sync"
)

// ahead fetches segments before they are needed, in the order of the queue,
// within a bound on their number and bytes.
type ahead struct {
	queue   []*source // not yet taken, by base
	held    int       // started and not released
	bytes   int64     // of those held
	running sync.WaitGroup
}

// take gives the next segment of the queue when it is loaded. It returns the
// context's error instead if that comes first.
func (f *ahead) take(ctx context.Context) (*source, error) {
	s := f.queue[0]
	f.start(ctx, s)
	f.queue = f.queue[1:]
	f.fill(ctx)
	select {
	case <-s.ready:
		return s, ctx.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *ahead) start(ctx context.Context, s *source) {
	if s.started {
		return
	}
	s.started = true
	f.held++
	f.bytes += s.size()
	f.running.Add(1)
	go func() {
		defer f.running.Done()
		s.load(ctx)
	}()
}

// fill starts what the bounds allow.
func (f *ahead) fill(ctx context.Context) {
	for _, s := range f.queue {
		if f.held >= aheadSegments || f.bytes+s.size() > aheadBytes {
			return
		}
		f.start(ctx, s)
	}
}

// release gives back the room of a segment that is done with.
func (f *ahead) release(ctx context.Context, s *source) {
	f.held--
	f.bytes -= s.size()
	f.fill(ctx)
}

// wait returns when no goroutine is left. Their context must have ended.
func (f *ahead) wait() { f.running.Wait() }

// size is what a source holds in memory, about.
func (s *source) size() int64 {
	size := s.copies.cand.Places[0].Info.Size
	if s.copies.ranged || size > wholeLimit {
		return min(size, window)
	}
	return size
}
