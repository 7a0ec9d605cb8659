package restore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/segment"
)

// checkGaps refuses holes that nobody explained, and gaps in which the moment
// may lie: then the newest records at or before it may be among the lost ones.
// Other gaps are only listed.
func (b *planner) checkGaps(ctx context.Context, topic string, pp PartitionPlan, s Survey) error {
	if b.plan.Request.AllowIncomplete {
		return nil
	}
	for _, g := range s.Gaps {
		if g.Unexplained {
			b.refuse(CauseHole, topic, "topic %s partition %d lacks the offsets [%d, %d) and no gap file says why: heal the archive, or allow an incomplete restore",
				topic, pp.Number, g.Base, g.Next)
			continue
		}
		inside, err := b.inGap(ctx, topic, pp, g, s)
		if err != nil {
			return fmt.Errorf("look behind the gap [%d, %d): %w", g.Base, g.Next, err)
		}
		if inside {
			b.refuse(CauseInGap, topic, "%s lies in a gap of topic %s partition %d: the offsets [%d, %d) were lost (%s): choose another moment, or allow an incomplete restore",
				moment(b.plan.To), topic, pp.Number, g.Base, g.Next, g.Reason)
		}
	}
	return nil
}

// inGap compares the moment with the times on both sides of the gap; a side
// without records is open.
func (b *planner) inGap(ctx context.Context, topic string, pp PartitionPlan, g Gap, s Survey) (bool, error) {
	for _, seg := range s.Segments {
		if seg.Next <= g.Base && seg.MaxTimestamp > b.plan.To {
			return false, nil
		}
	}
	for piece, err := range pp.read(ctx, b.src, topic, g.Next, nil) {
		if err != nil {
			return false, err
		}
		if piece.IsControl() {
			continue
		}
		for rec, err := range piece.Records(b.dec) {
			return err == nil && rec.Timestamp > b.plan.To, err
		}
	}
	return true, nil
}

// empty looks for one record of the topic at or before the moment.
func (b *planner) empty(ctx context.Context, t *TopicPlan) (bool, error) {
	for _, pp := range t.Partitions {
		found, err := b.holdsRecord(ctx, t.From, pp)
		if err != nil {
			return false, fmt.Errorf("partition %d: look for a record: %w", pp.Number, err)
		}
		if found {
			return false, nil
		}
	}
	return true, nil
}

func (b *planner) holdsRecord(ctx context.Context, topic string, pp PartitionPlan) (bool, error) {
	skip := func(block segment.BlockInfo) bool {
		late := after(block, b.plan.To)
		if late {
			b.see(block.MinTimestamp)
		}
		return late
	}
	for piece, err := range pp.read(ctx, b.src, topic, 0, skip) {
		if err != nil {
			return false, err
		}
		if piece.IsControl() {
			continue
		}
		for rec, err := range piece.Records(b.dec) {
			if err != nil || rec.Timestamp <= b.plan.To {
				return err == nil, err
			}
			b.see(rec.Timestamp)
		}
	}
	return false, nil
}

func (b *planner) see(timestamp int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.seen || timestamp < b.earliest {
		b.earliest, b.seen = timestamp, true
	}
}

// checkMoment compares the moment with all that the plan reads. Idle partitions
// are usual, so the newest record of any of them vouches for the others. A
// moment behind it is one that the archive knows nothing about: restoring to
// now is common, so it is not refused, but it is said before anything is
// written.
func (b *planner) checkMoment() {
	p := b.plan
	latest, empty, partitions := segment.NoTimestamp, true, 0
	for _, t := range p.Topics {
		empty = empty && t.Empty
		for _, pp := range t.Partitions {
			latest = max(latest, pp.MaxTimestamp)
			partitions++
		}
	}
	if partitions == 0 {
		return
	}
	if empty {
		b.refuseEmpty()
		return
	}
	if p.To > latest {
		b.warn([]string{fmt.Sprintf("%s is after the last archived record, which is of %s: what was written to Kafka since, and is not archived, does not come back",
			moment(p.To), moment(latest))})
	}
}

func (b *planner) refuseEmpty() {
	if !b.seen {
		b.refuse(CauseEmpty, "", "the archive holds no record of what is to be restored")
		return
	}
	b.refuse(CauseEmpty, "", "%s is before the first archived record, which is of %s", moment(b.plan.To), moment(b.earliest))
}

func (b *planner) refuse(cause Cause, topic, format string, args ...any) {
	b.plan.Refusals = append(b.plan.Refusals, Refusal{Cause: cause, Topic: topic, Text: fmt.Sprintf(format, args...)})
}

func (b *planner) warn(texts []string) {
	for _, text := range texts {
		if !slices.Contains(b.plan.Warnings, text) {
			b.plan.Warnings = append(b.plan.Warnings, text)
		}
	}
}
