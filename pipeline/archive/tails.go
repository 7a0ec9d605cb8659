package archive

import (
	"slices"
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
	// lacks is set while the region lacks an object below its tail that another
	// has, from offset lackFrom on: the same offsets are there under another
	// name, because two archivers cut them differently.
	lacks    bool
	lackFrom int64
	fills    int // attempts to copy it that failed
}

func (t *tails) reset(list []Tail, behind []bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.regions = t.regions[:0]
	for i := range list {
		t.regions = append(t.regions, tailState{Tail: list[i], behind: behind[i]})
	}
}

// known reports whether the tails have been found.
func (t *tails) known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.regions) > 0
}

// targets are the regions to write to: those that are not behind, or all of
// them where there is none.
func (t *tails) targets() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all, level []int
	for i, s := range t.regions {
		all = append(all, i)
		if !s.behind {
			level = append(level, i)
		}
	}
	if len(level) == 0 {
		return all
	}
	return level
}

// settle notes that an object is in some regions now. Their tails move over it
// if it joins on: what fills an older hole moves nothing. The tail of a region
// that lacks it ends below it, at the latest. Regions that are not level with
// the highest are behind from now on; settle returns those that were not.
func (t *tails) settle(r names.Range, digest names.Digest, stored []int) (fell []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.regions {
		s := &t.regions[i]
		switch holds := slices.Contains(stored, i); {
		case holds && r.Base <= s.Next && s.Next < r.Next:
			s.Tail = Tail{Next: r.Next, Digest: digest}
		case !holds && r.Base < s.Next:
			s.Tail = Tail{Next: r.Base}
		}
	}
	high := t.highest().Next
	for i := range t.regions {
		if s := &t.regions[i]; s.Next < high && !s.behind {
			s.behind = true
			fell = append(fell, i)
		}
	}
	return fell
}

func (t *tails) behind(region int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.regions[region].behind
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
	return t.lowest()
}

// level reports whether no region is behind another, or lacks what another has.
func (t *tails) level() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	lacks := slices.ContainsFunc(t.regions, func(s tailState) bool { return s.lacks })
	return !lacks && t.lowest().Next == t.highest().Next
}

// lack notes that a region lacks objects from an offset on.
func (t *tails) lack(region int, from int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.regions[region]
	s.lacks, s.lackFrom = true, from
}

// lacking returns from where on a region lacks objects, if it does.
func (t *tails) lacking(region int) (from int64, lacks bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.regions[region]
	return s.lackFrom, s.lacks
}

// filled notes how an attempt to copy what a region lacks came out. After
// fillTries it is given up, since an object that is damaged in the other region
// cannot be copied; no offset is missing by it, and verify names it.
func (t *tails) filled(region int, err error) (givenUp bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.regions[region]
	if err != nil {
		s.fills++
	}
	givenUp = s.fills >= fillTries
	s.lacks = err != nil && !givenUp
	return givenUp
}

// fillTries is how often copying what a region lacks below its tail is tried.
const fillTries = 5

func (t *tails) lowest() Tail  { return t.bound(func(a, b int64) bool { return a < b }) }
func (t *tails) highest() Tail { return t.bound(func(a, b int64) bool { return a > b }) }

func (t *tails) bound(better func(a, b int64) bool) Tail {
	var out Tail
	for i, s := range t.regions {
		if i == 0 || better(s.Next, out.Next) {
			out = s.Tail
		}
	}
	return out
}

// healed moves a region's tail from where healing began to where it came, and
// reports whether it has caught up with the others; then it is no longer
// behind. If the tail was moved meanwhile, healing has to begin again.
func (t *tails) healed(region int, from, to Tail) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.regions[region]
	if s.Tail == from && to.Next > from.Next {
		s.Tail = to
	}
	s.behind = s.Next < t.highest().Next
	return !s.behind
}
