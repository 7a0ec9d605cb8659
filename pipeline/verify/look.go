package verify

import (
	"context"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Bounds of what is looked at together. An object costs a few small requests
// that wait for the store, and with Deep its bytes while they are checked.
const (
	parallel = 16
	// parallelPartitions are under way at once, so that the end of one is not
	// waited for.
	parallelPartitions = 4
	// deepMemory bounds the bytes of objects in memory.
	deepMemory = 128 << 20
	// deepLimit is the largest object that Deep fetches at once; a longer one is
	// read by ranges.
	deepLimit = 64 << 20
)

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
	// opened are the records of each block that opened.
	opened map[int]int64
	// unopened are the blocks that do not open.
	unopened map[int]error
}

// look examines every copy of the candidates. The result is in their order.
func (v *verifier) look(ctx context.Context, m *cover.Map, all []cover.Candidate) ([]seen, error) {
	out := make([]seen, len(all))
	var wg sync.WaitGroup
	done := 0
	for i, c := range all {
		v.slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-v.slots }()
			out[i] = v.candidate(ctx, m, c)
			v.hook.Lock()
			defer v.hook.Unlock()
			done++
			v.options.Hook(Event{Partition: m.Partition, Done: done, Objects: len(all)})
		})
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
	if v.options.Deep {
		s.bad = s.unread()
	}
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
	o, err := v.archive.Verify(ctx, region, s.candidate.Range)
	if out.err = err; err != nil {
		return out
	}
	if v.options.Deep && o.Segment != nil {
		v.deep(ctx, s, &out, o)
	}
	if out.err == nil || out.unopened != nil {
		s.keep(o)
	}
	return out
}

// keep makes an object the sound copy, unless there is one.
func (s *seen) keep(o *cover.Object) {
	if s.sound == nil {
		s.sound = o
	}
}

// unread returns the offsets of the blocks that no sound copy opens.
func (s *seen) unread() []cover.Offsets {
	if s.sound == nil || s.sound.Segment == nil {
		return nil
	}
	var out []cover.Offsets
	for n, b := range s.sound.Segment.Footer().Blocks {
		opened := slices.ContainsFunc(s.copies, func(c copySeen) bool {
			_, ok := c.recordsOf(n)
			return ok
		})
		if !opened {
			out = append(out, cover.Offsets{Base: b.Base, Next: b.Next})
		}
	}
	return out
}
