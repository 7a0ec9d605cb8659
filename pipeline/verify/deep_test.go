package verify_test

import (
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// twoBlocks stores one segment of two blocks in the regions.
func twoBlocks(t *testing.T, w *covertest.World) *segment.Sealed {
	return w.Store(covertest.Spec{Next: 20, Options: segment.Options{BlockSize: 1, Filter: true},
		Batches: [][]byte{covertest.Batch(t, 0, 10), covertest.Batch(t, 10, 10)}})
}

// harm changes a byte of a copy, and its checksum stays right.
func harm(r *covertest.Region, s *segment.Sealed, at int) {
	r.Put(s.Name.String(), covertest.SameCRC(s.Data, at))
}

// Each region's copy has a bad block, and they are different ones: both are
// findings, and nothing is missing.
func TestDeepTellsBlocksApart(t *testing.T) {
	w := covertest.New(t)
	s := twoBlocks(t, w)
	harm(w.A, s, int(s.Footer.Blocks[0].Position)+20)
	harm(w.B, s, int(s.Footer.Blocks[1].Position)+20)
	r := run(t, w, true)
	if got := short(r.Findings); !slices.Equal(got, []string{"damaged a [0, 20)", "damaged b [0, 20)"}) {
		t.Errorf("findings %v", got)
	}
	if p := r.Partitions[0]; len(p.Missing) > 0 || !slices.Equal(p.Archived, []cover.Offsets{{Base: 0, Next: 20}}) {
		t.Errorf("archived %v, missing %v", p.Archived, p.Missing)
	}
	if r.Totals.Blocks != 4 || r.Totals.Decoded != 20 {
		t.Errorf("%+v, want 4 blocks looked at and 20 records decoded", r.Totals)
	}
}

// The second copy's bytes are compared although the first one's opened, filters
// among them.
func TestDeepReadsEveryCopy(t *testing.T) {
	for _, at := range []func(b segment.BlockInfo) uint64{
		func(b segment.BlockInfo) uint64 { return b.Position },
		func(b segment.BlockInfo) uint64 { return b.Filter.Position },
	} {
		w := covertest.New(t)
		s := twoBlocks(t, w)
		harm(w.B, s, int(at(s.Footer.Blocks[1]))+5)
		if got := short(run(t, w, true).Findings); !slices.Equal(got, []string{"damaged b [0, 20)"}) {
			t.Errorf("findings %v", got)
		}
	}
}
