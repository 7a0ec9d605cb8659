package cover_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// model is a partition's log and what the archive was made of, kept apart from
// the archive: the oracle.
type model struct {
	rng     *rand.Rand
	batches []cover.Offsets // as the producer made them
	end     int64

	present map[int64]bool // offsets some sound block holds
	vouched cover.Coverage // offsets some sound block covers
	claimed cover.Coverage // offsets some name covers
}

func newModel(seed uint64) *model {
	m := &model{rng: rand.New(rand.NewPCG(seed, 1)), present: map[int64]bool{}}
	for m.end < 150 {
		n := 1 + m.rng.Int64N(12)
		m.batches = append(m.batches, cover.Offsets{Base: m.end, Next: m.end + n})
		m.end += n
	}
	return m
}

// cut chooses a segment: it may begin in mid-batch, and ends where a batch does.
func (m *model) cut() cover.Offsets {
	i := m.rng.IntN(len(m.batches))
	j := min(i+1+m.rng.IntN(8), len(m.batches))
	o := cover.Offsets{Base: m.batches[i].Base, Next: m.batches[j-1].Next}
	if m.rng.IntN(3) == 0 {
		o.Base += m.rng.Int64N(m.batches[i].Next - m.batches[i].Base)
	}
	return o
}

// fetch makes the batches of a segment, compacted with some probability.
func (m *model) fetch(t *testing.T, o cover.Offsets) (batches [][]byte, kept map[int64]bool) {
	kept = map[int64]bool{}
	loss := m.rng.IntN(2) * m.rng.IntN(60) // percent
	for _, b := range m.batches {
		if b.Next <= o.Base || b.Base >= o.Next {
			continue
		}
		var offsets []int64
		for at := b.Base; at < b.Next; at++ {
			if m.rng.IntN(100) >= loss {
				offsets = append(offsets, at)
				kept[at] = at >= o.Base && at < o.Next
			}
		}
		if len(offsets) > 0 {
			batches = append(batches, covertest.BatchOf(t, b.Base, b.Next, offsets))
		}
	}
	return batches, kept
}

// store writes a segment to one region or both and damages blocks of it.
func (m *model) store(t *testing.T, w *covertest.World) {
	o := m.cut()
	batches, kept := m.fetch(t, o)
	s := w.Segment(covertest.Spec{Base: o.Base, Next: o.Next, Batches: batches, Options: segment.Options{BlockSize: 1 + m.rng.IntN(600)}})
	m.claimed.Add(o)
	sound := make([]bool, len(s.Footer.Blocks))
	whole := false
	regions := w.Regions()
	if m.rng.IntN(3) == 0 {
		regions = regions[m.rng.IntN(2):][:1]
	}
	for _, r := range regions {
		r.Put(s.Name.String(), s.Data)
		bad := m.harm(r, s)
		if bad == nil {
			continue
		}
		whole = true
		for i := range sound {
			sound[i] = sound[i] || !bad[i]
		}
	}
	if whole && len(sound) == 0 {
		m.vouched.Add(o)
	}
	for i, b := range s.Footer.Blocks {
		if sound[i] {
			m.vouch(cover.Offsets{Base: b.Base, Next: b.Next}, kept)
		}
	}
}

func (m *model) vouch(o cover.Offsets, kept map[int64]bool) {
	m.vouched.Add(o)
	for at := o.Base; at < o.Next; at++ {
		m.present[at] = m.present[at] || kept[at]
	}
}

// harm damages a stored copy. It returns the blocks that are bad, nil if the
// whole copy is.
func (m *model) harm(r *covertest.Region, s *segment.Sealed) map[int]bool {
	bad := map[int]bool{}
	switch m.rng.IntN(6) {
	case 0:
		r.Cut(s.Name.String(), m.rng.IntN(len(s.Data)))
		return nil
	case 1:
		r.Flip(s.Name.String(), -1-m.rng.IntN(200))
		return nil
	case 2:
		for i, b := range s.Footer.Blocks {
			if m.rng.IntN(2) == 0 {
				r.Flip(s.Name.String(), int(b.Position)+m.rng.IntN(int(b.Stored)))
				bad[i] = true
			}
		}
	}
	return bad
}

// want is what reading [from, to) must give.
func (m *model) want(from, to int64) (offsets []int64, lost []cover.Offsets) {
	runs := m.claimed.Runs()
	from, to = max(from, runs[0].Base), min(to, runs[len(runs)-1].Next)
	for at := from; at < to; at++ {
		if m.present[at] {
			offsets = append(offsets, at)
		}
	}
	if from < to {
		lost = m.vouched.Missing(cover.Offsets{Base: from, Next: to})
	}
	return offsets, lost
}

// Any archive of true copies, cut and damaged at random, reads as the union of
// what is sound, each offset once, and what is missing is said exactly.
func TestCoverRule(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() {
		seeds = 60
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w, m := covertest.New(t), newModel(seed)
			for range 2 + m.rng.IntN(14) {
				m.store(t, w)
			}
			from := m.rng.Int64N(m.end)
			to := from + 1 + m.rng.Int64N(m.end-from)
			m.check(t, w, 0, m.end)
			m.check(t, w, from, to)
		})
	}
}

func (m *model) check(t *testing.T, w *covertest.World, from, to int64) {
	t.Helper()
	for _, a := range []*cover.Archive{w.Archive(), w.ArchiveWith(hasty)} {
		m.checkWith(t, a, from, to)
	}
}

func (m *model) checkWith(t *testing.T, a *cover.Archive, from, to int64) {
	t.Helper()
	offsets, lost := m.want(from, to)
	got := readFrom(t, a, cover.ReadOptions{From: from, To: to})
	got.want(t, offsets)
	// What is lost may be told in parts.
	var said cover.Coverage
	for _, l := range got.lost {
		said.Add(l.Offsets)
	}
	if !slices.Equal(said.Runs(), lost) {
		t.Errorf("read [%d, %d): lost %v, want %v", from, to, said.Runs(), lost)
	}
}
