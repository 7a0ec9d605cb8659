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
// A cut by transactions also reads what lies around the moment of every
// partition with transactions.
//
// Without a client nothing is said of a target: the plan is for [Plan.Batches]
// and [Plan.Records].
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
		src: src,
		dec: recordbatch.NewDecoder(0),
		plan: &Plan{
			Version: planVersion, Rule: rules[req.cut()], Request: req, RequestDigest: digest, To: req.To.UnixMilli(),
		},
	}
	if req.To.IsZero() {
		b.plan.To = time.Now().UnixMilli()
	}
	if client != nil {
		b.target = &target{client: client}
	}
	if err := b.topics(ctx); err != nil {
		return nil, fmt.Errorf("plan restore: %w", err)
	}
	b.checkMoment()
	return b.plan, b.plan.seal()
}

// topics first finds what there is of every topic, then where the cut falls:
// for transactions all topics decide together.
func (b *planner) topics(ctx context.Context) error {
	var drafts []*draft
	for _, from := range slices.Sorted(maps.Keys(b.plan.Request.Topics)) {
		d, err := b.draft(ctx, from, b.plan.Request.Topics[from])
		if err != nil {
			return fmt.Errorf("topic %s: %w", from, err)
		}
		if d != nil {
			drafts = append(drafts, d)
		}
	}
	if b.plan.Request.cut() == CutTransactions {
		if err := b.transactions(ctx, drafts); err != nil {
			return fmt.Errorf("look for transactions around the moment: %w", err)
		}
	}
	for _, d := range drafts {
		if err := b.finish(ctx, d); err != nil {
			return fmt.Errorf("topic %s: %w", d.From, err)
		}
		b.plan.Topics = append(b.plan.Topics, d.TopicPlan)
	}
	if b.target == nil {
		return nil
	}
	return b.inspect(ctx)
}

// draft is the plan of a topic before the cut is known.
type draft struct {
	TopicPlan
	// known is the number of partitions that the topic had at the moment, 0 if
	// nobody wrote it down.
	known int32
	// Of the partitions, in their order: what is read of each, and where the
	// archive of it begins.
	surveys []Survey
	begins  []int64
}

// draft is nil, and refused, if the archive does not hold what is asked for.
func (b *planner) draft(ctx context.Context, from, into string) (*draft, error) {
	found, err := b.src.Partitions(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	if len(found) == 0 {
		b.refuse(CauseNotArchived, from, "the archive holds no topic %s", from)
		return nil, nil
	}
	lives, err := b.src.Lives(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("tell its lives apart: %w", err)
	}
	life, ok, err := b.life(ctx, from, lives, found)
	if err != nil || !ok {
		return nil, err
	}
	setup, err := b.setup(b.src.Setups(ctx, from, life.ID))
	if err != nil {
		return nil, err
	}
	d := &draft{known: setup.Partitions, TopicPlan: TopicPlan{
		From: from, Into: into, ID: life.ID, Lives: others(lives, life.ID), MaxMessageBytes: batchBytes,
		PartitionCount: setup.Partitions, Settings: settingsOf(setup.Settings, time.Now()),
	}}
	for _, p := range branches(found, life.ID) {
		if err := b.partition(ctx, d, p); err != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Number, err)
		}
	}
	b.checkOffsets(d)
	return d, nil
}

// branches returns the newest branch of each partition of a life, by number.
func branches(found []names.Partition, life names.TopicID) []names.Partition {
	newest := map[int32]names.Partition{}
	for _, p := range found {
		if p.Lineage.Topic != life {
			continue
		}
		if other, ok := newest[p.Number]; !ok || other.Lineage.Branch < p.Lineage.Branch {
			newest[p.Number] = p
		}
	}
	return slices.SortedFunc(maps.Values(newest), func(a, b names.Partition) int { return cmp.Compare(a.Number, b.Number) })
}

// finish counts the partitions, drops those that are not restored, and looks
// for gaps.
func (b *planner) finish(ctx context.Context, d *draft) error {
	if err := b.count(ctx, d); err != nil {
		return err
	}
	d.countOld(time.Now(), b.plan.Request.wants)
	var kept []PartitionPlan
	for i, pp := range d.Partitions {
		if pp.Number >= d.PartitionCount || !b.plan.Request.wants(pp.Number) {
			continue
		}
		if err := b.checkGaps(ctx, d.From, pp, d.surveys[i]); err != nil {
			return fmt.Errorf("partition %d: %w", pp.Number, err)
		}
		kept = append(kept, pp)
	}
	d.Partitions = kept
	b.checkPartitions(&d.TopicPlan)
	var err error
	d.Empty, err = b.empty(ctx, &d.TopicPlan)
	return err
}

// count raises the number of partitions as of the moment to what the records
// that come back need. Where nobody wrote that number down, every archived
// partition counts.
func (b *planner) count(ctx context.Context, d *draft) error {
	for i := range d.Partitions {
		pp := &d.Partitions[i]
		if pp.Number < d.PartitionCount {
			continue
		}
		holds := d.known == 0
		if !holds {
			var err error
			if holds, err = b.holdsRecord(ctx, d.From, pp); err != nil {
				return fmt.Errorf("partition %d: look for a record: %w", pp.Number, err)
			}
		}
		if holds {
			d.PartitionCount = pp.Number + 1
		}
	}
	return nil
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

// partition follows the newest branch back to where its log began, and takes of
// it what the cut by offsets leaves.
func (b *planner) partition(ctx context.Context, d *draft, p names.Partition) error {
	pp := PartitionPlan{Number: p.Number, MaxTimestamp: segment.NoTimestamp}
	end := b.plan.Request.end(p)
	var all Survey
	var base, next int64
	limit := int64(math.MaxInt64)
	for at := p; ; {
		s, err := b.src.Survey(ctx, at)
		if err != nil {
			return fmt.Errorf("survey %s: %w", at.Lineage, err)
		}
		b.warn(s.Warnings)
		base, next = s.span()
		if limit < next {
			pp.Abandoned = append(pp.Abandoned, Stretch{at.Lineage, limit, next})
		}
		pp.Archived = max(pp.Archived, min(next, limit))
		s = s.below(min(limit, end))
		pp.Stretches = append(s.stretches(at.Lineage), pp.Stretches...)
		all.Segments = append(s.Segments, all.Segments...)
		all.Gaps = append(s.Gaps, all.Gaps...)
		all.Regions = s.Regions
		if s.Parent == nil {
			break
		}
		if s.Parent.Topic != at.Lineage.Topic || s.Parent.Branch >= at.Lineage.Branch {
			return fmt.Errorf("lineage %s claims to branch from %s", at.Lineage, s.Parent)
		}
		limit, at.Lineage = base, *s.Parent
	}
	pp.sum(all)
	d.Partitions, d.surveys, d.begins = append(d.Partitions, pp), append(d.surveys, all), append(d.begins, base)
	return nil
}

func (pp *PartitionPlan) sum(s Survey) {
	pp.Gaps, pp.Regions = s.Gaps, s.parts()
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
