package archive

import (
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
)

// tails are how far each region is complete for one partition. The storer
// moves them on, healing catches them up, commits read them.
type tails struct {
	mu      sync.Mutex
	regions []tailState
}

type tailState struct {
	Tail
	behind bool
}

func (t *tails) reset(list []Tail, behind []bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.regions = t.regions[:0]
	for i := range list {
		t.regions = append(t.regions, tailState{list[i], behind[i]})
	}
}

// known reports whether the tails have been found.
func (t *tails) known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.regions) > 0
}

// advance moves a region's tail over an object that it now holds, if the
// object joins on: what fills an older hole moves nothing.
func (t *tails) advance(region int, r names.Range, digest names.Digest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.regions[region]
	if r.Base <= s.Next && s.Next < r.Next {
		s.Tail = Tail{Next: r.Next, Digest: digest}
	}
}

func (t *tails) behind(region int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.regions[region].behind
}

func (t *tails) setBehind(region int, behind bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.regions[region].behind = behind
}

func (t *tails) at(region int) Tail {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.regions[region].Tail
}

// lower returns the lowest tail: up to there every region is complete.
func (t *tails) lower() Tail {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bound(func(a, b int64) bool { return a < b })
}

// level reports whether no region is behind another.
func (t *tails) level() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	low := t.bound(func(a, b int64) bool { return a < b })
	high := t.bound(func(a, b int64) bool { return a > b })
	return low.Next == high.Next
}

func (t *tails) bound(better func(a, b int64) bool) Tail {
	var out Tail
	for i, s := range t.regions {
		if i == 0 || better(s.Next, out.Next) {
			out = s.Tail
		}
	}
	return out
}

// healed moves a region's tail to where healing brought it, and reports
// whether it has caught up with the others; then it is no longer behind.
func (t *tails) healed(region int, to Tail) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.regions[region]
	if to.Next > s.Next {
		s.Tail = to
	}
	high := t.bound(func(a, b int64) bool { return a > b })
	s.behind = s.Next < high.Next
	return !s.behind
}
