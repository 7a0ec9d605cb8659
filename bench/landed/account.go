package landed

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/bench/load"
	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// stored is a batch that a region holds, as its header tells; the header's
// checksum was compared with the bytes.
type stored struct {
	base   int64
	crc    uint32
	count  int64 // records
	span   int64 // offsets
	window cover.Offsets
}

// account is what the regions hold of one partition, beside its ledger.
type account struct {
	batches []load.Batch // in offset order

	mu      sync.Mutex
	regions []holding
	changed map[int]bool // by position in batches
	// strange are batches that the ledger does not have, or has as aborted, by
	// their first offset, and how many records they have.
	strange map[int64]int64
}

// holding is what one region has: of each batch all, some or nothing.
type holding struct {
	whole   []bool
	some    map[int]*cover.Coverage
	strange map[int64]int64
}

func newAccount(batches []load.Batch, regions int) *account {
	a := &account{batches: batches, regions: make([]holding, regions), changed: map[int]bool{}, strange: map[int64]int64{}}
	for i := range a.regions {
		a.regions[i] = holding{whole: make([]bool, len(batches)), some: map[int]*cover.Coverage{}, strange: map[int64]int64{}}
	}
	return a
}

// add takes what one segment of a region holds.
func (a *account) add(region int, found []stored) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := &a.regions[region]
	for _, s := range found {
		i, ok := slices.BinarySearchFunc(a.batches, s.base, func(b load.Batch, base int64) int { return cmp.Compare(b.Base, base) })
		switch {
		case !ok || a.batches[i].Aborted():
			a.strange[s.base] = max(a.strange[s.base], s.count)
			h.strange[s.base] = max(h.strange[s.base], s.count)
		case a.batches[i].CRC != s.crc || a.batches[i].Count() != s.count || s.span != s.count:
			a.changed[i] = true
		default:
			h.hold(i, a.batches[i], s.window)
		}
	}
}

// hold notes a part of a batch, which is nearly always all of it.
func (h *holding) hold(i int, b load.Batch, window cover.Offsets) {
	all := cover.Offsets{Base: b.Base, Next: b.Next()}
	if window == all || h.whole[i] {
		h.whole[i] = true
		return
	}
	if h.some[i] == nil {
		h.some[i] = &cover.Coverage{}
	}
	h.some[i].Add(window)
	h.whole[i] = len(h.some[i].Missing(all)) == 0
}

// lacks is how many events of a batch a region does not have.
func (h *holding) lacks(i int, b load.Batch) (n int64) {
	if h.whole[i] {
		return 0
	}
	if h.some[i] == nil {
		return b.Count()
	}
	for _, o := range h.some[i].Missing(cover.Offsets{Base: b.Base, Next: b.Next()}) {
		n += o.Next - o.Base
	}
	return n
}

// verdict is what is to be said of a partition.
type verdict struct {
	report.Check
	events   []int64 // by region, each offset once
	problems []string
}

func (a *account) verdict() verdict {
	v := verdict{events: make([]int64, len(a.regions))}
	for i, b := range a.batches {
		if !b.Aborted() {
			a.compare(&v, i, b)
		}
	}
	for _, base := range slices.Sorted(maps.Keys(a.strange)) {
		v.Twice += a.strange[base]
		v.note("a batch at offset %d that was not acknowledged, or aborted", base)
	}
	for r := range a.regions {
		for _, n := range a.regions[r].strange {
			v.events[r] += n
		}
	}
	return v
}

func (a *account) compare(v *verdict, i int, b load.Batch) {
	v.Expected += b.Count()
	var lost int64
	for r := range a.regions {
		lacks := a.regions[r].lacks(i, b)
		v.events[r] += b.Count() - lacks
		lost = max(lost, lacks)
	}
	switch {
	case a.changed[i]:
		v.Changed += b.Count()
		v.note("the batch at offset %d is not the one that was acknowledged", b.Base)
	case lost > 0:
		v.Lost += lost
		v.note("%d events from offset %d on are not in every region", lost, b.Base)
	}
}

func (v *verdict) note(format string, args ...any) {
	if len(v.problems) < maxProblems {
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}
