package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// surveyParallel is how many footers are read at once: each is one or two small
// requests that wait for the store.
const surveyParallel = 16

// archive makes a Source of an archive.
type archive struct {
	cover  *cover.Archive
	report func(cover.Finding)
}

// FromArchive reads through the cover rule: from the nearest region that serves
// a block, then from the others. What is found wrong with copies on the way
// goes to report, which may be nil and is called by several goroutines at once.
func FromArchive(a *cover.Archive, report func(cover.Finding)) Source {
	return &archive{cover: a, report: report}
}

// Partitions implements Source.
func (s *archive) Partitions(ctx context.Context, topic string) ([]names.Partition, error) {
	return s.cover.Partitions(ctx, topic)
}

// Survey counts only what verifies: offsets whose every copy is damaged are
// missing, whatever the names say.
func (s *archive) Survey(ctx context.Context, p names.Partition) (Survey, error) {
	m, err := s.cover.Map(ctx, p)
	if err != nil {
		return Survey{}, err
	}
	segments, err := s.verifyAll(ctx, m.Segments)
	if err != nil {
		return Survey{}, err
	}
	gaps, err := s.verifyAll(ctx, m.Gaps)
	if err != nil {
		return Survey{}, err
	}
	found := Survey{Warnings: silent(m.Down)}
	for _, region := range s.cover.Regions() {
		if m.Down[region] == nil {
			found.Regions = append(found.Regions, region)
		}
	}
	listed := map[names.Range][]string{}
	for _, c := range m.Segments {
		for _, p := range c.Places {
			listed[c.Range] = append(listed[c.Range], p.Region)
		}
	}
	covered := &cover.Coverage{}
	for _, o := range segments {
		found.add(o, listed[o.Name])
		covered.Add(cover.Offsets{Base: o.Name.Base, Next: o.Name.Next})
	}
	if p.Lineage.Branch != names.RootBranch && len(segments) > 0 {
		found.Parent = &names.Lineage{Topic: p.Lineage.Topic, Branch: segments[0].Segment.Header().Parent}
	}
	if span, ok := m.Span(); ok {
		found.Gaps = missing(span, covered, gaps)
		if p.Lineage.Branch == names.RootBranch && beheaded(span.Base, segments, gaps) {
			found.Gaps = slices.Insert(found.Gaps, 0, Gap{Next: span.Base, Reason: "no region holds what ended there", Unexplained: true})
		}
	}
	return found, nil
}

// beheaded reports whether what begins a partition names a predecessor: then
// the true beginning was removed from every region, name and all. Where it was
// nobody knows any more; it may have been offset 0.
func beheaded(base int64, objects ...[]*cover.Object) bool {
	return slices.ContainsFunc(slices.Concat(objects...), func(o *cover.Object) bool { return o.Name.Base == base && !o.Prev.IsZero() })
}

// silent names the regions that did not answer.
func silent(down map[string]error) []string {
	var warnings []string
	for _, region := range slices.Sorted(maps.Keys(down)) {
		why := "did not answer"
		if errors.Is(down[region], signed.ErrSignature) {
			why = "is left out, for it is not this archive's"
		}
		warnings = append(warnings, fmt.Sprintf("region %s %s: what only it holds is not in the plan", region, why))
	}
	return warnings
}

// verifyAll returns the objects that count, in the order of the candidates.
func (s *archive) verifyAll(ctx context.Context, candidates []cover.Candidate) ([]*cover.Object, error) {
	all := make([]*cover.Object, len(candidates))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(surveyParallel)
	for i, c := range candidates {
		g.Go(func() error {
			o, err := s.cover.VerifyAnywhere(ctx, c)
			if err == nil {
				all[i] = o
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o *cover.Object) bool { return o == nil }), nil
}

func (s *Survey) add(o *cover.Object, regions []string) {
	f := o.Segment.Footer()
	s.Segments = append(s.Segments, Segment{
		Name: o.Name.String(), Base: o.Name.Base, Next: o.Name.Next,
		Records: int64(f.Records), Bytes: o.Info.Size, MaxTimestamp: f.MaxTimestamp(),
		Regions: regions, Transactional: transactional(f.Blocks),
	})
}

func transactional(blocks []segment.BlockInfo) []Block {
	var found []Block
	for i := range blocks {
		if b := &blocks[i]; b.Transactional || b.Control {
			found = append(found, Block{b.Base, b.Next, b.MaxTimestamp, b.Control})
		}
	}
	return found
}

// missing returns what no segment covers, with the reason where a gap file
// tells it.
func missing(span cover.Offsets, covered *cover.Coverage, files []*cover.Object) []Gap {
	var found []Gap
	for _, f := range files {
		for _, o := range covered.Missing(cover.Offsets{Base: f.Name.Base, Next: f.Name.Next}) {
			found = append(found, Gap{Base: o.Base, Next: o.Next, Reason: f.Gap.Reason})
			covered.Add(o)
		}
	}
	for _, o := range covered.Missing(span) {
		found = append(found, Gap{Base: o.Base, Next: o.Next, Reason: "no copy that counts", Unexplained: true})
	}
	slices.SortFunc(found, func(a, b Gap) int { return cmp.Compare(a.Base, b.Base) })
	return found
}

func (s *archive) Read(ctx context.Context, p names.Partition, from, next int64, skip func(segment.BlockInfo) bool) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		options := cover.ReadOptions{From: from, To: next, SkipBlock: skip, Report: s.report}
		for piece, err := range s.cover.Read(ctx, p, options) {
			if !yield(piece, err) || err != nil {
				return
			}
		}
	}
}
