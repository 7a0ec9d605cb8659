package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// view is what was seen of one partition.
type view struct {
	m              *cover.Map
	lapsed         map[names.Range]names.Range
	segments, gaps []seen
	err            error
}

// view looks at one partition.
func (v *verifier) view(ctx context.Context, p names.Partition) (out view) {
	if out.m, out.err = v.archive.Map(ctx, p); out.err != nil {
		return out
	}
	if out.lapsed, out.err = v.archive.Lapsed(ctx, out.m); out.err != nil {
		return out
	}
	if out.segments, out.err = v.look(ctx, out.m, out.m.Segments); out.err != nil {
		return out
	}
	out.gaps, out.err = v.look(ctx, out.m, out.m.Gaps)
	return out
}

// judgeAll turns what was seen of a partition into its part of the report.
func (v *verifier) judgeAll(w view) error {
	if w.err != nil {
		return w.err
	}
	m, segments, gaps, p := w.m, w.segments, w.gaps, w.m.Partition
	v.lapsed = w.lapsed
	v.strange(m.Unknown)
	v.strange(m.Strays)
	v.copiesBad += len(m.Strays)
	v.silent(m.Down, p.String())
	r := PartitionReport{Topic: p.Topic, Lineage: p.Lineage, Partition: p.Number, Archived: []cover.Offsets{}, Gaps: []Gap{}, Missing: []cover.Offsets{}}
	r.Totals = Totals{Partitions: 1, Segments: len(segments), Gaps: len(gaps)}
	for _, s := range slices.Concat(segments, gaps) {
		v.judge(&r, s)
	}
	v.classify(&r, m, segments, gaps)
	v.chain(p, slices.Concat(segments, gaps))
	v.report.Partitions = append(v.report.Partitions, r)
	v.report.Totals.add(r.Totals)
	return nil
}

// judge turns what was seen of an object into findings and totals.
func (v *verifier) judge(r *PartitionReport, s seen) {
	for _, c := range s.copies {
		if !c.absent {
			r.Totals.Copies++
		}
		r.Totals.Bytes += c.size
		r.Totals.Blocks += c.blocks
		r.Totals.Decoded += c.records
		if by, gone := v.lapsed[s.candidate.Range]; gone && c.absent {
			v.note(lapsing(s.candidate, c.region, by))
			continue
		}
		if c.absent || c.err != nil {
			v.copiesBad++
			v.find(findingOf(s.candidate, c))
		}
	}
	if s.sound != nil && s.sound.Segment != nil {
		r.Totals.Records += int64(s.sound.Segment.Footer().Records)
	}
}

// lapsing is the note of a segment that has lapsed in one region and not yet in
// all.
func lapsing(c cover.Candidate, region string, by names.Range) cover.Finding {
	o := c.Offsets()
	return cover.Finding{
		Kind: cover.KindLapsed, Region: region, Object: c.String(), Partition: c.Partition.String(), Offsets: &o,
		Detail: fmt.Sprintf("%s holds it, in every region", by), Advice: cover.KindLapsed.Advice(),
	}
}

func findingOf(c cover.Candidate, s copySeen) cover.Finding {
	f := absent(s.region, c.String())
	if s.err != nil {
		f.Kind = kindOf(s.err)
		f.Detail, f.Advice = s.err.Error(), f.Kind.Advice()
	}
	o := c.Offsets()
	f.Partition, f.Offsets = c.Partition.String(), &o
	return f
}

// classify puts every offset between the first and the last into its class.
func (v *verifier) classify(r *PartitionReport, m *cover.Map, segments, gaps []seen) {
	archived := &cover.Coverage{}
	for i, s := range segments {
		if s.sound == nil {
			continue
		}
		if i > 0 && segments[i-1].sound != nil && s.candidate.Base < segments[i-1].candidate.Next {
			v.overlap(s.candidate, segments[i-1].candidate)
		}
		vouched := &cover.Coverage{}
		for _, bad := range s.bad {
			vouched.Add(bad)
		}
		for _, good := range vouched.Missing(s.candidate.Offsets()) {
			archived.Add(good)
		}
	}
	r.Archived = append(r.Archived, archived.Runs()...)
	explained := &cover.Coverage{}
	for _, run := range r.Archived {
		explained.Add(run)
	}
	for _, g := range gaps {
		if g.sound == nil {
			continue
		}
		for _, o := range explained.Missing(g.candidate.Offsets()) {
			r.Gaps = append(r.Gaps, Gap{o, g.sound.Gap.Reason})
			explained.Add(o)
		}
	}
	span, _ := m.Span()
	r.Missing = append(r.Missing, explained.Missing(span)...)
	v.missing(r, m)
}

func (v *verifier) missing(r *PartitionReport, m *cover.Map) {
	for _, o := range r.Missing {
		v.find(cover.Finding{
			Kind: cover.KindLost, Partition: m.Partition.String(), Offsets: &o,
			Detail: "no copy that verifies holds these offsets, and no signed gap explains them", Advice: cover.KindLost.Advice(),
		})
	}
	r.Totals.Archived, r.Totals.Missing = count(r.Archived), count(r.Missing)
	for _, g := range r.Gaps {
		r.Totals.Known += g.Next - g.Base
		v.note(cover.Finding{Kind: cover.KindGap, Partition: m.Partition.String(), Offsets: &g.Offsets, Detail: g.Reason, Advice: cover.KindGap.Advice()})
	}
}

func count(os []cover.Offsets) (n int64) {
	for _, o := range os {
		n += o.Next - o.Base
	}
	return n
}

func (v *verifier) overlap(a, b cover.Candidate) {
	o := cover.Offsets{Base: a.Base, Next: min(a.Next, b.Next)}
	v.note(cover.Finding{
		Kind: cover.KindOverlap, Object: a.String(), Partition: a.Partition.String(), Offsets: &o,
		Detail: fmt.Sprintf("%s holds them too", b), Advice: cover.KindOverlap.Advice(),
	})
}
