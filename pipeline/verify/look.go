package verify

import (
	"context"
	"sync"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// parallel is how many objects are looked at together: each costs a few small
// requests that wait for the store. Deep reading is bounded by memory.
const (
	parallel     = 16
	parallelDeep = 2
)

// deepLimit is the largest object that Deep fetches at once, in bytes; a longer
// one is read by ranges.
const deepLimit = 64 << 20

// seen is what became of one candidate.
type seen struct {
	candidate cover.Candidate
	// sound is a copy that verified, nil if there is none.
	sound *cover.Object
	// bad are the blocks that no copy opens; only with Deep.
	bad    []cover.Offsets
	copies []copySeen
}

// copySeen is one region's copy.
type copySeen struct {
	region  string
	absent  bool
	err     error
	size    int64
	blocks  int64
	records int64
	// unopened are the blocks that do not open.
	unopened map[int]error
}

// look examines every copy of the candidates. The result is in their order.
func (v *verifier) look(ctx context.Context, m *cover.Map, all []cover.Candidate) ([]seen, error) {
	out := make([]seen, len(all))
	n := parallel
	if v.options.Deep {
		n = parallelDeep
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	slots, done := make(chan struct{}, n), 0
	for i, c := range all {
		slots <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { <-slots }()
			out[i] = v.candidate(ctx, m, c)
			mu.Lock()
			defer mu.Unlock()
			done++
			v.options.Hook(Event{Partition: m.Partition, Done: done, Objects: len(all)})
		}()
	}
	wg.Wait()
	return out, ctx.Err()
}

func (v *verifier) candidate(ctx context.Context, m *cover.Map, c cover.Candidate) seen {
	s := seen{candidate: c}
	for _, region := range v.archive.Regions() {
		if m.Down[region] != nil || ctx.Err() != nil {
			continue
		}
		s.copies = append(s.copies, v.copy(ctx, &s, region))
	}
	s.bad = s.unread()
	return s
}

func (v *verifier) copy(ctx context.Context, s *seen, region string) copySeen {
	out := copySeen{region: region}
	place, here := s.candidate.Place(region)
	if !here {
		out.absent = true
		return out
	}
	out.size = place.Info.Size
	var o *cover.Object
	if v.options.Deep {
		o, _, out.err = v.archive.Load(ctx, region, s.candidate.Range, deepLimit)
	} else {
		o, out.err = v.archive.Verify(ctx, region, s.candidate.Range)
	}
	if out.err != nil {
		return out
	}
	if v.options.Deep && o.Segment != nil {
		out.open(ctx, o)
	}
	if s.sound == nil {
		s.sound = o
	}
	return out
}

// unread returns the offsets of the blocks that no sound copy opens.
func (s *seen) unread() []cover.Offsets {
	if s.sound == nil || s.sound.Segment == nil {
		return nil
	}
	var out []cover.Offsets
	for n, b := range s.sound.Segment.Footer().Blocks {
		opened := false
		for _, c := range s.copies {
			opened = opened || !c.absent && c.err == nil && c.unopened[n] == nil
		}
		if !opened {
			out = append(out, cover.Offsets{Base: b.Base, Next: b.Next})
		}
	}
	return out
}
