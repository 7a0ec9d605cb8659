package find

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Variables, so that tests need not make thousands of segments.
var (
	// fewNames are listed all: that is one request to an S3 store.
	fewNames = 900

	// overlap is how many of the last names that the index knows are listed
	// once more: a segment that begins among them may end beyond them.
	overlap = 500
)

// list returns the candidates of a partition: from the regions, or, where the
// index knows an unbroken row of very many, partly from there.
func (s *search) list(ctx context.Context, p names.Partition, x Index) (*cover.Map, error) {
	if _, blind := x.(*anew); !blind {
		known := s.known(p, x)
		if row := lastRow(known); len(row) > fewNames && !s.options.Complete {
			m, err := s.listAround(ctx, p, row)
			if err != nil || m != nil {
				return m, err
			}
		}
	}
	return s.archive.Map(ctx, p)
}

// known are the segments in the index, sorted. It makes the index look at what
// was written since.
func (s *search) known(p names.Partition, x Index) []cover.Candidate {
	var all []cover.Candidate
	for name, size := range x.Segments(p) {
		c := cover.Candidate{Range: name}
		for _, region := range s.archive.Regions() {
			c.Places = append(c.Places, cover.Place{Region: region, Info: object.Info{Key: name.String(), Size: size}})
		}
		all = append(all, c)
	}
	slices.SortFunc(all, byOffsets)
	return all
}

func byOffsets(a, b cover.Candidate) int {
	return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Next, b.Next), slices.Compare(a.Digest[:], b.Digest[:]))
}

// lastRow returns the end of a sorted list from where on it has no hole.
func lastRow(all []cover.Candidate) []cover.Candidate {
	first, next := 0, int64(0)
	for i, c := range all {
		if c.Base > next {
			first = i
		}
		next = max(next, c.Next)
	}
	return all[first:]
}

// listAround lists what is before a row of known segments, and from its last
// ones on. It is nil if all that leaves a hole.
func (s *search) listAround(ctx context.Context, p names.Partition, row []cover.Candidate) (*cover.Map, error) {
	from := row[len(row)-overlap].Base
	m, err := s.archive.MapBetween(ctx, p, cover.Offsets{Base: from, Next: math.MaxInt64})
	if err != nil {
		return nil, err
	}
	head := &cover.Map{}
	if row[0].Base > 0 {
		if head, err = s.archive.MapBetween(ctx, p, cover.Offsets{Next: row[0].Base}); err != nil {
			return nil, err
		}
	}
	listed := len(m.Segments)
	m.Segments = slices.Concat(head.Segments, row, m.Segments)
	m.Gaps = slices.Concat(head.Gaps, m.Gaps)
	m.Strays = slices.Concat(head.Strays, m.Strays)
	slices.SortStableFunc(m.Segments, byOffsets)
	m.Segments = slices.CompactFunc(m.Segments, func(a, b cover.Candidate) bool { return a.Range == b.Range })
	span, _ := m.Span()
	if listed == 0 || len(m.Down)+len(head.Down) > 0 || len(m.Coverage().Missing(span)) > 0 {
		return nil, nil
	}
	return m, nil
}

// segments is what the names of segments claim.
func segments(m *cover.Map) *cover.Coverage {
	c := &cover.Coverage{}
	for _, s := range m.Segments {
		c.Add(s.Offsets())
	}
	return c
}

// suspects returns the offsets that have to be read, and what was found wrong
// on the way.
func (s *search) suspects(ctx context.Context, m *cover.Map, t task, x Index) ([]cover.Offsets, []cover.Finding) {
	g := gathering{search: s, task: t, index: x}
	if span, ok := m.Span(); ok {
		g.first = span.Base
		for _, hole := range segments(m).Missing(span) {
			g.suspects.Add(hole)
		}
	}
	next := make(chan cover.Candidate)
	var running sync.WaitGroup
	for range min(glancesAtOnce, len(m.Segments)) {
		running.Go(func() {
			for c := range next {
				g.look(ctx, c)
			}
		})
	}
	for _, c := range m.Segments {
		next <- c
	}
	close(next)
	running.Wait()
	return g.suspects.Runs(), g.findings
}

// gathering asks the filters of many segments at once.
type gathering struct {
	*search
	task  task
	index Index
	first int64 // the lowest offset of the partition

	mu       sync.Mutex
	suspects cover.Coverage
	findings []cover.Finding
}

// look asks the filters of one segment.
func (g *gathering) look(ctx context.Context, c cover.Candidate) {
	if ctx.Err() != nil {
		return
	}
	glance, errs := g.archive.Glance(ctx, c, g.index)
	g.segments.Add(1)
	g.note(c, errs)
	if glance == nil {
		g.suspect(c.Offsets())
		return
	}
	footer := glance.Footer()
	if c.Base == g.first && !footer.Prev.IsZero() {
		g.suspect(cover.Offsets{Base: c.Base, Next: c.Base + 1}) // the reader says what its beginning lacks
	}
	for n, b := range footer.Blocks {
		if g.outside(b) {
			continue
		}
		g.blocks.Add(1)
		filter, errs := glance.Filter(ctx, n)
		g.note(c, errs)
		if g.mayHold(filter) {
			g.suspect(cover.Offsets{Base: b.Base, Next: b.Next})
		}
	}
}

func (g *gathering) mayHold(f *block.Filter) bool {
	if f == nil {
		return true
	}
	keys := g.task.keys
	return (len(keys) == 0 || slices.ContainsFunc(keys, f.Contains)) && g.where.mayHold(f)
}

func (g *gathering) suspect(o cover.Offsets) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.suspects.Add(o)
}

func (g *gathering) note(c cover.Candidate, errs []*cover.CopyError) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range errs {
		g.findings = append(g.findings, cover.FindingOf(c, e))
	}
}
