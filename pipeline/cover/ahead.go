package cover

import (
	"context"
	"sync"
)

// ahead fetches segments before they are needed, in the order of the queue,
// within a bound on their number, and on the bytes of all Reads of an archive.
// One segment needs no room: no Read waits for another.
type ahead struct {
	room    *room
	queue   []*source // not yet taken, by base
	held    int       // started and not released
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
	f.running.Go(func() { s.load(ctx) })
}

// fill starts what the bounds allow.
func (f *ahead) fill(ctx context.Context) {
	for _, s := range f.queue {
		if s.started {
			continue
		}
		if f.held >= aheadSegments || !f.room.take(s.size()) {
			return
		}
		s.room = s.size()
		f.start(ctx, s)
	}
}

// release gives back the room of a segment that is done with.
func (f *ahead) release(ctx context.Context, s *source) {
	f.held--
	f.giveBack(s)
	s.copies.recycle()
	f.fill(ctx)
}

func (f *ahead) giveBack(s *source) {
	f.room.give(s.room)
	s.room = 0
}

// end returns when no goroutine is left, and gives back all room. Their context
// must have ended.
func (f *ahead) end(open []*source) {
	f.running.Wait()
	for _, s := range open {
		f.giveBack(s)
	}
	for _, s := range f.queue {
		f.giveBack(s)
	}
}

// size is what a source holds in memory, about.
func (s *source) size() int64 {
	size := s.copies.cand.Places[0].Info.Size
	if size > wholeLimit {
		return 2 * window // one is read, the next is on its way
	}
	return size
}
