package restore

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// planner gathers one plan.
type planner struct {
	src    Source
	target *target
	plan   *Plan
	dec    *recordbatch.Decoder
	// earliest is the lowest timestamp seen while looking for a first record, in ms; it counts only if seen is true.
	earliest int64
	seen     bool
}

// NewPlan looks at archive and target and says what a restore would do. It writes nothing and reads as much of the archive as
// it needs to know whether a record of each topic is at or before the moment: as a rule one block.
//
// A restore that must not begin is a plan with refusals, not an error. An error means that the request is malformed or that
// archive or target did not answer.
func NewPlan(ctx context.Context, src Source, req Request, client *kgo.Client) (*Plan, error) {
	if err := req.Validate(); err != nil {
		return nil, err
	}
	digest, err := req.digest()
	if err != nil {
		return nil, err
	}
	b := &planner{
		src:    src,
		target: &target{client: client},
		dec:    recordbatch.NewDecoder(0),
		plan: &Plan{
			Version: planVersion, Rule: rule, Request: req, RequestDigest: digest, To: req.To.UnixMilli(),
		},
	}
	if err := b.topics(ctx); err != nil {
		return nil, fmt.Errorf("plan restore: %w", err)
	}
	b.checkMoment()
	return b.plan, b.plan.seal()
}

func (b *planner) topics(ctx context.Context) error {
	for _, from := range slices.Sorted(maps.Keys(b.plan.Request.Topics)) {
		t, ok, err := b.topic(ctx, from, b.plan.Request.Topics[from])
		if err != nil {
			return fmt.Errorf("topic %s: %w", from, err)
		}
		if ok {
			b.plan.Topics = append(b.plan.Topics, t)
		}
	}
	return b.inspect(ctx)
}

// topic is not ok if the archive does not hold what is asked for.
func (b *planner) topic(ctx context.Context, from, into string) (TopicPlan, bool, error) {
	found, err := b.src.Partitions(ctx, from)
	if err != nil {
		return TopicPlan{}, false, fmt.Errorf("list partitions: %w", err)
	}
	if len(found) == 0 {
		b.refuse(CauseNotArchived, from, "the archive holds no topic %s", from)
		return TopicPlan{}, false, nil
	}
	newest := found[len(found)-1].Lineage
	t := TopicPlan{From: from, Into: into, Lineage: newest, PartitionCount: b.plan.Request.PartitionCounts[from]}
	for _, p := range found {
		if p.Lineage != newest {
			t.abandon(p.Lineage)
			continue
		}
		t.PartitionCount = max(t.PartitionCount, p.Number+1)
		if !b.plan.Request.wants(p.Number) {
			continue
		}
		pp, err := b.partition(ctx, p)
		if err != nil {
			return TopicPlan{}, false, fmt.Errorf("partition %d: %w", p.Number, err)
		}
		t.Partitions = append(t.Partitions, pp)
	}
	slices.SortFunc(t.Partitions, func(a, b PartitionPlan) int { return int(a.Number) - int(b.Number) })
	b.checkPartitions(&t)
	t.Empty, err = b.empty(ctx, &t)
	return t, true, err
}

func (t *TopicPlan) abandon(l names.Lineage) {
	if !slices.Contains(t.Abandoned, l) {
		t.Abandoned = append(t.Abandoned, l)
	}
}

// checkPartitions refuses partitions that were asked for by number and are not there.
func (b *planner) checkPartitions(t *TopicPlan) {
	for _, want := range b.plan.Request.Partitions {
		if want >= t.PartitionCount {
			b.refuse(CauseNotArchived, t.From, "the archive holds no partition %d of topic %s", want, t.From)
		}
	}
}

func (b *planner) partition(ctx context.Context, p names.Partition) (PartitionPlan, error) {
	s, err := b.src.Survey(ctx, p)
	if err != nil {
		return PartitionPlan{}, fmt.Errorf("survey: %w", err)
	}
	pp := PartitionPlan{Number: p.Number, Gaps: s.Gaps, MaxTimestamp: segment.NoTimestamp}
	for i, seg := range s.Segments {
		if i == 0 {
			pp.Base = seg.Base
		}
		pp.Next = max(pp.Next, seg.Next)
		pp.MaxTimestamp = max(pp.MaxTimestamp, seg.MaxTimestamp)
		pp.Segments = append(pp.Segments, seg.Name)
		pp.MaxRecords += seg.Records
		pp.MaxBytes += seg.Bytes
	}
	return pp, b.checkGaps(ctx, p, pp, s)
}
