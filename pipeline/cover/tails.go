package cover

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Tails is where a partition's archive ends, and what it lacks below.
type Tails struct {
	// Found is false when no object counts: the partition is not archived yet.
	Found bool
	// Next is where an archiver continues: the highest end of an object that
	// verified in some region. Digest is that object's.
	Next   int64
	Digest names.Digest
	// Holes are offsets below Next that no name in any region claims, sorted.
	Holes []Offsets
	// Regions are in the archive's order.
	Regions []RegionTail
	// Rejected are the candidates that did not verify, each with its reason.
	Rejected []Finding
}

// Region returns the tail of a region; it is zero for a name that is unknown.
func (t Tails) Region(name string) RegionTail {
	for _, r := range t.Regions {
		if r.Name == name {
			return r
		}
	}
	return RegionTail{Name: name}
}

// RegionTail is how far one region holds everything.
type RegionTail struct {
	Name string
	// Next is the offset up to which the region holds all that the archive
	// holds. Below it are only holes that no region can fill. It is the
	// partition's lowest offset when the region does not have even the first
	// object.
	Next int64
	// Digest is that of the object that ends at Next and verified in this
	// region; zero when there is none.
	Digest names.Digest
	// Lacks are the objects below the partition's tail that another region
	// lists and this one does not, sorted by base. Those that have lapsed are
	// not among them.
	Lacks []names.Range
	// Err is why the region could not be asked; Next is then the partition's
	// lowest offset.
	Err error
}

// Tails finds where a partition ends. Names give the coverage; only the top is
// verified, object by object from the highest end down, until one counts. A
// candidate that is forged, cut short or unreadable, or whose key page is
// missing, does not count and moves nothing.
//
// It fails when a region stops answering and no other region vouches: an archive
// that cannot be read must not look like one that ends early.
func (a *Archive) Tails(ctx context.Context, p names.Partition) (Tails, error) {
	m, err := a.Map(ctx, p)
	if err != nil {
		return Tails{}, err
	}
	s := &tailSearch{archive: a, m: m, rejected: slices.Clone(m.Strays), verdicts: map[verdictKey]verdict{}, failures: map[string]int{}, down: map[string]error{}}
	for region, err := range m.Down {
		s.down[region] = err
	}
	if s.lapsed, err = a.Lapsed(ctx, m); err != nil {
		return Tails{}, err
	}
	s.byNext = append(slices.Clone(m.Segments), m.Gaps...)
	slices.SortStableFunc(s.byNext, func(x, y Candidate) int { return cmp.Or(cmp.Compare(y.Next, x.Next), compareCandidates(x, y)) })
	t, err := s.run(ctx)
	if err != nil {
		return Tails{}, fmt.Errorf("find the tail of %s: %w", p, err)
	}
	return t, nil
}

// tailSearch is the state of one Tails.
type tailSearch struct {
	archive *Archive
	m       *Map
	byNext  []Candidate // the highest end first
	lapsed  map[names.Range]names.Range

	verdicts map[verdictKey]verdict
	rejected []Finding
	failures map[string]int   // accesses in a row that failed, by region
	down     map[string]error // regions that are not asked any more
}

type verdictKey struct {
	region string
	name   names.Range
}

type verdict struct {
	object *Object
	err    error
}

func (s *tailSearch) run(ctx context.Context) (Tails, error) {
	t := Tails{}
	for _, c := range s.byNext {
		o, err := s.anywhere(ctx, c)
		if err != nil {
			return t, err
		}
		if o != nil {
			t.Found, t.Next, t.Digest = true, o.Name.Next, o.Digest
			break
		}
	}
	if err := s.doubt(t.Found); err != nil {
		return t, err
	}
	covered := s.coverage(t.Next, func(c Candidate) bool { return !s.rejectedEverywhere(c) })
	t.Holes = covered.holes()
	for _, name := range s.archive.Regions() {
		rt, err := s.region(ctx, name, t, covered)
		if err != nil {
			return t, err
		}
		t.Regions = append(t.Regions, rt)
	}
	t.Rejected = s.rejected
	return t, nil
}

// doubt is the error of a search that found nothing although there are names,
// while a region did not answer.
func (s *tailSearch) doubt(found bool) error {
	if found {
		return nil
	}
	for _, r := range s.archive.Regions() {
		if err := s.down[r]; err != nil && (len(s.byNext) > 0 || s.m.Down[r] == nil) {
			return fmt.Errorf("nothing verified, and region %s does not answer: %w", r, err)
		}
	}
	return nil
}

// anywhere verifies a candidate in the first region where it counts, nil if
// there is none.
func (s *tailSearch) anywhere(ctx context.Context, c Candidate) (*Object, error) {
	for _, p := range c.Places {
		o, err := s.verify(ctx, p.Region, c)
		if o != nil || err != nil {
			return o, err
		}
	}
	if len(s.down) == len(s.archive.regions) {
		for region, err := range s.down {
			return nil, fmt.Errorf("region %s does not answer: %w", region, err)
		}
	}
	return nil, nil
}

// verify asks once for each copy. The error is that of the context.
func (s *tailSearch) verify(ctx context.Context, region string, c Candidate) (*Object, error) {
	key := verdictKey{region, c.Range}
	if v, ok := s.verdicts[key]; ok {
		return v.object, nil
	}
	if s.down[region] != nil {
		return nil, nil
	}
	o, err := s.archive.Verify(ctx, region, c.Range)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	s.verdicts[key] = verdict{o, err}
	if err != nil {
		s.reject(region, c, err)
		return nil, nil
	}
	s.failures[region] = 0
	return o, nil
}

func (s *tailSearch) reject(region string, c Candidate, err error) {
	e := &CopyError{Region: region, Object: c.String(), Err: err}
	s.rejected = append(s.rejected, FindingOf(c, e))
	if kindOf(err) != KindUnreachable {
		s.failures[region] = 0
		return
	}
	if s.failures[region]++; s.failures[region] >= accessFailures {
		s.down[region] = err
	}
}

func (s *tailSearch) rejectedEverywhere(c Candidate) bool {
	for _, p := range c.Places {
		if v, ok := s.verdicts[verdictKey{p.Region, c.Range}]; !ok || v.err == nil {
			return false
		}
	}
	return true
}

// coverage is what the chosen names claim below an offset.
func (s *tailSearch) coverage(below int64, want func(Candidate) bool) *Coverage {
	out := &Coverage{}
	for _, list := range [][]Candidate{s.m.Segments, s.m.Gaps} {
		for _, c := range list {
			if want(c) {
				out.Add(c.Offsets().clip(Offsets{0, below}))
			}
		}
	}
	return out
}

// region finds the tail of one region: as far as its names cover what all
// names cover, if the object there verifies in this region; else lower.
func (s *tailSearch) region(ctx context.Context, name string, t Tails, all *Coverage) (RegionTail, error) {
	rt := RegionTail{Name: name, Err: s.down[name]}
	if len(all.runs) > 0 {
		rt.Next = all.runs[0].Base
	}
	if rt.Err != nil || !t.Found {
		return rt, nil
	}
	rt.Lacks = s.lacks(name, t.Next)
	for {
		next := s.reach(name, all)
		if next <= rt.Next {
			return rt, nil
		}
		o, lower, err := s.endsAt(ctx, name, next)
		if err != nil {
			return rt, err
		}
		if rt.Err = s.down[name]; rt.Err != nil {
			return rt, nil
		}
		if o != nil {
			rt.Next, rt.Digest = next, o.Digest
			return rt, nil
		}
		if !lower {
			rt.Next = next
			return rt, nil
		}
	}
}

func (s *tailSearch) lacks(region string, below int64) []names.Range {
	var out []names.Range
	for _, c := range append(slices.Clone(s.m.Segments), s.m.Gaps...) {
		_, here := c.Place(region)
		if _, gone := s.lapsed[c.Range]; !here && !gone && c.Base < below && !s.rejectedEverywhere(c) {
			out = append(out, c.Range)
		}
	}
	slices.SortStableFunc(out, func(a, b names.Range) int { return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Next, b.Next)) })
	return out
}

// reach returns how far a region covers what all names cover.
func (s *tailSearch) reach(region string, all *Coverage) int64 {
	end := all.runs[len(all.runs)-1].Next
	own := s.coverage(end, func(c Candidate) bool {
		_, here := c.Place(region)
		return here && s.verdicts[verdictKey{region, c.Range}].err == nil
	})
	for _, run := range all.runs {
		if missing := own.Missing(run); len(missing) > 0 {
			return missing[0].Base
		}
	}
	return end
}

// endsAt returns the object of a region that ends at an offset and verifies
// there. lower reports that one was refused, so that the region reaches less
// far. Neither holds when the region's names merely overlap the offset.
func (s *tailSearch) endsAt(ctx context.Context, region string, next int64) (o *Object, lower bool, err error) {
	for _, c := range s.byNext {
		if _, here := c.Place(region); !here || c.Next != next {
			continue
		}
		known := s.verdicts[verdictKey{region, c.Range}]
		if known.err != nil {
			continue
		}
		if o, err = s.verify(ctx, region, c); o != nil || err != nil {
			return o, false, err
		}
		lower = true
	}
	return nil, lower, nil
}
