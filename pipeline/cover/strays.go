package cover

import (
	"context"
	"errors"
	"slices"

	"github.com/tidemark-io/tidemark/codec/segment"
)

// dropStrays takes the strays at both ends out of the map. A stray is a sound
// segment under a name that is not its own, although the name ends in its
// digest: it was copied there from another partition, or renamed. No segment of
// this partition ever had that name, and so its offsets claim nothing. Left in,
// one copy in one region would make offsets that never were look lost.
//
// Only ends are looked at, because between them a name adds nothing to the
// span, and there only names that some region lacks, because what the archiver
// stores reaches all: mostly no object is opened. A name whose object is
// damaged, forged, or another than its digest says keeps its claim: the offsets
// may have been there.
func (a *Archive) dropStrays(ctx context.Context, m *Map) {
	for len(m.Segments) > 0 && a.dropStray(ctx, m, m.highest()) {
	}
	for len(m.Segments) > 0 && a.dropStray(ctx, m, 0) {
	}
}

// highest is the index of a segment that no other reaches beyond.
func (m *Map) highest() int {
	top := 0
	for i, c := range m.Segments {
		if c.Next > m.Segments[top].Next {
			top = i
		}
	}
	return top
}

// dropStray moves a segment from the candidates to the strays, if it is one.
func (a *Archive) dropStray(ctx context.Context, m *Map, i int) bool {
	c := m.Segments[i]
	if len(c.Places) == len(a.regions) {
		return false
	}
	var found []Finding
	for _, p := range c.Places {
		err := a.strayIn(ctx, c, p)
		if err == nil {
			return false
		}
		found = append(found, FindingOf(c, err))
	}
	m.Segments = slices.Delete(m.Segments, i, i+1)
	m.Strays = append(m.Strays, found...)
	return true
}

// strayIn says why a copy is a stray, nil if it is not known to be one.
func (a *Archive) strayIn(ctx context.Context, c Candidate, p Place) *CopyError {
	r, err := a.region(p.Region)
	if err != nil {
		return nil
	}
	far := &remote{ctx: ctx, ranges: a.alone(r, c.String(), p.Info.Size)}
	s, err := a.openSegment(ctx, r, c.Range, far, p.Info.Size)
	if s == nil || !errors.Is(err, segment.ErrName) || s.Name().Digest != c.Digest {
		return nil
	}
	return &CopyError{Region: p.Region, Object: c.String(), Err: err}
}
