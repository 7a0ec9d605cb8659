package restore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

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

	mu sync.Mutex // a source may call back from goroutines of its own
	// earliest is the lowest timestamp seen while looking for a first record,
	// in ms; it counts only if seen is true.
	earliest int64
	seen     bool
}

// NewPlan looks at archive and target and says what a restore would do. It
// writes nothing and reads as much of the archive as it needs to know whether a
// record of each topic is at or before the moment: as a rule one block.
//
// A restore that must not begin is a plan with refusals, not an error. An error
// means that the request is malformed or that archive or target did not answer.
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
	newest := names.Lineage{Topic: found[len(found)-1].Lineage.Topic, Branch: names.RootBranch}
	setup, err := b.src.Setup(ctx, from, newest)
	if err != nil {
		return TopicPlan{}, false, fmt.Errorf("read its settings: %w", err)
	}
	t := TopicPlan{From: from, Into: into, ID: newest.Topic, PartitionCount: setup.Partitions, Settings: settingsOf(setup.Settings, time.Now())}
	for _, p := range t.newest(found) {
		if !b.plan.Request.wants(p.Number) {
			continue
		}
		pp, err := b.partition(ctx, p)
		if err != nil {
			return TopicPlan{}, false, fmt.Errorf("partition %d: %w", p.Number, err)
		}
		t.Partitions = append(t.Partitions, pp)
	}
	b.checkPartitions(&t)
	t.Empty, err = b.empty(ctx, &t)
	return t, true, err
}

// newest returns the newest branch of each partition of the newest life, by
// number, and notes older lives.
func (t *TopicPlan) newest(found []names.Partition) []names.Partition {
	branches := map[int32]names.Partition{}
	for _, p := range found {
		if p.Lineage.Topic != t.ID {
			if !slices.Contains(t.Abandoned, p.Lineage.Topic) {
				t.Abandoned = append(t.Abandoned, p.Lineage.Topic)
			}
			continue
		}
		t.PartitionCount = max(t.PartitionCount, p.Number+1)
		if other, ok := branches[p.Number]; !ok || other.Lineage.Branch < p.Lineage.Branch {
			branches[p.Number] = p
		}
	}
	return slices.SortedFunc(maps.Values(branches), func(a, b names.Partition) int { return cmp.Compare(a.Number, b.Number) })
}

// checkPartitions refuses partitions that were asked for by number and are not
// there.
func (b *planner) checkPartitions(t *TopicPlan) {
	for _, want := range b.plan.Request.Partitions {
		if want >= t.PartitionCount {
			b.refuse(CauseNotArchived, t.From, "the archive holds no partition %d of topic %s", want, t.From)
		}
	}
}

// partition follows the newest branch back to where its log began.
func (b *planner) partition(ctx context.Context, p names.Partition) (PartitionPlan, error) {
	pp := PartitionPlan{Number: p.Number, MaxTimestamp: segment.NoTimestamp}
	var all Survey
	limit := int64(math.MaxInt64)
	for at := p; ; {
		s, err := b.src.Survey(ctx, at)
		if err != nil {
			return PartitionPlan{}, fmt.Errorf("survey %s: %w", at.Lineage, err)
		}
		b.warn(s.Warnings)
		if _, end := s.span(); limit < end {
			pp.Abandoned = append(pp.Abandoned, Stretch{at.Lineage, limit, end})
		}
		s = s.below(limit)
		base, _ := s.span()
		pp.Stretches = append(s.stretches(at.Lineage), pp.Stretches...)
		all.Segments = append(s.Segments, all.Segments...)
		all.Gaps = append(s.Gaps, all.Gaps...)
		if s.Parent == nil {
			break
		}
		if s.Parent.Topic != at.Lineage.Topic || s.Parent.Branch >= at.Lineage.Branch {
			return PartitionPlan{}, fmt.Errorf("lineage %s claims to branch from %s", at.Lineage, s.Parent)
		}
		limit, at.Lineage = base, *s.Parent
	}
	pp.sum(all)
	return pp, b.checkGaps(ctx, p.Topic, pp, all)
}

func (pp *PartitionPlan) sum(s Survey) {
	pp.Gaps = s.Gaps
	for _, seg := range s.Segments {
		pp.MaxTimestamp = max(pp.MaxTimestamp, seg.MaxTimestamp)
		pp.Segments = append(pp.Segments, seg.Name)
		pp.MaxRecords += seg.Records
		pp.MaxBytes += seg.Bytes
	}
}

// read yields the pieces of the plan's offsets, from one on.
func (pp *PartitionPlan) read(ctx context.Context, src Source, topic string, from int64, skip func(segment.BlockInfo) bool) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		for _, s := range pp.Stretches {
			if s.Next <= from {
				continue
			}
			p := names.Partition{Topic: topic, Lineage: s.Lineage, Number: pp.Number}
			for piece, err := range src.Read(ctx, p, max(s.Base, from), s.Next, skip) {
				if !yield(piece, err) || err != nil {
					return
				}
			}
		}
	}
}
