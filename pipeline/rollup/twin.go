package rollup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// listed returns the segments that span exactly the offsets of a roll-up and
// are none of what it is made from. It asks the regions anew: another writer may
// have been faster.
func (x *run) listed(ctx context.Context, roll *Roll) ([]cover.Candidate, error) {
	found := map[names.Range]*cover.Candidate{}
	for _, region := range x.parts.Regions {
		objects, err := x.parts.Archive.Objects(region.Name())
		if err != nil {
			return nil, err
		}
		for info, err := range objects.List(ctx, x.part.name.Prefix(), x.part.name.After(roll.Base)) {
			if err != nil {
				return nil, fmt.Errorf("region %s: %w", region.Name(), err)
			}
			name, err := names.ParseRange(info.Key)
			if err == nil && name.Base > roll.Base {
				break
			}
			if err != nil || name.Next != roll.Next || name.Kind != names.KindSegment || roll.has(name) {
				continue
			}
			if found[name] == nil {
				found[name] = &cover.Candidate{Range: name}
			}
			found[name].Places = append(found[name].Places, cover.Place{Region: region.Name(), Info: info})
		}
	}
	var out []cover.Candidate
	for _, c := range found {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b cover.Candidate) int { return slices.Compare(a.Digest[:], b.Digest[:]) })
	return out, nil
}

func (r *Roll) has(name names.Range) bool {
	return slices.ContainsFunc(r.members, func(m *member) bool { return m.Range == name })
}

// see adds a segment that came after the map was listed.
func (x *run) see(m *member) {
	if !slices.ContainsFunc(x.part.m.Segments, func(c cover.Candidate) bool { return c.Range == m.Range }) {
		x.part.m.Segments = append(x.part.m.Segments, m.Candidate)
		slices.SortFunc(x.part.m.Segments, func(a, b cover.Candidate) int {
			return slices.Compare([]int64{a.Base, a.Next}, []int64{b.Base, b.Next})
		})
	}
}

var errLacks = errors.New("it lacks a batch")

// holdsAll reads small segments and roll-up together: each batch must be one,
// the same in the roll-up.
func (x *run) holdsAll(ctx context.Context, roll *Roll, name names.Range) bool {
	err := x.read(ctx, roll, func(piece cover.Piece) error {
		in := func(o cover.Origin) bool { return o.Name == name }
		if _, _, one := piece.Batch(); !one || !slices.ContainsFunc(piece.Origins(), in) {
			return errLacks
		}
		return nil
	})
	return err == nil
}
