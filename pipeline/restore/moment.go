package restore

import (
	"context"
	"fmt"
	"maps"
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
				b.whereCut(topic, pp.Number), topic, pp.Number, g.Base, g.Next, g.Reason)
		}
	}
	return nil
}

// whereCut names the place of the cut in a partition.
func (b *planner) whereCut(topic string, partition int32) string {
	if b.plan.Request.cut() == CutOffsets {
		return fmt.Sprintf("offset %d", b.plan.Request.Offsets[topic][partition])
	}
	return moment(b.plan.To)
}

// checkOffsets refuses a cut at offsets that the archive does not reach, at
// either end: nothing else is taken instead.
func (b *planner) checkOffsets(d *draft) {
	for _, number := range slices.Sorted(maps.Keys(b.plan.Request.Offsets[d.From])) {
		offset := b.plan.Request.Offsets[d.From][number]
		if offset == 0 || !b.plan.Request.wants(number) {
			continue
		}
		i := slices.IndexFunc(d.Partitions, func(pp PartitionPlan) bool { return pp.Number == number })
		switch {
		case i < 0:
			b.refuse(CauseNotArchived, d.From, "offset %d of topic %s partition %d: the archive holds nothing of that partition", offset, d.From, number)
		case offset > d.Partitions[i].Archived:
			b.refuse(CauseNotArchived, d.From, "offset %d of topic %s partition %d is not archived: the archive ends at offset %d there: choose that or a lower one, or wait until it is archived",
				offset, d.From, number, d.Partitions[i].Archived)
		case offset < d.begins[i]:
			b.refuse(CauseNotArchived, d.From, "offset %d of topic %s partition %d is not archived: the archive begins at offset %d there", offset, d.From, number, d.begins[i])
		}
	}
	if b.plan.Request.cut() == CutOffsets && len(b.plan.Request.Offsets[d.From]) == 0 {
		b.warn([]string{fmt.Sprintf("no offset is given for topic %s: it comes back without a record", d.From)})
	}
}

// inGap compares the moment with the times on both sides of the gap; a side
// without records is open. A cut by offsets lies in a gap if nothing is left
// between the two.
func (b *planner) inGap(ctx context.Context, topic string, pp PartitionPlan, g Gap, s Survey) (bool, error) {
	if b.plan.Request.cut() == CutOffsets {
		return g.Next >= b.plan.Request.Offsets[topic][pp.Number], nil
	}
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
	for i := range t.Partitions {
		pp := &t.Partitions[i]
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

func (b *planner) holdsRecord(ctx context.Context, topic string, pp *PartitionPlan) (bool, error) {
	f := b.plan.filter(pp)
	skip := func(block segment.BlockInfo) bool {
		late := f.skips(block)
		if late {
			b.see(block.MinTimestamp)
		}
		return late
	}
	for piece, err := range pp.read(ctx, b.src, topic, 0, skip) {
		if err != nil {
			return false, err
		}
		found, err := b.anyOf(piece, f)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// anyOf looks for a record of a piece that comes back, and at the times of
// those that do not.
func (b *planner) anyOf(p Piece, f filter) (bool, error) {
	if p.IsControl() {
		return false, nil
	}
	share := f.ofPiece(p)
	for rec, err := range p.Records(b.dec) {
		if err != nil || f.takes(share, rec.Timestamp) {
			return err == nil, err
		}
		b.see(rec.Timestamp)
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
	if p.Request.cut() != CutOffsets && p.To > latest {
		b.warn([]string{fmt.Sprintf("%s is after the last archived record, which is of %s: what was written to Kafka since, and is not archived, does not come back",
			moment(p.To), moment(latest))})
	}
}

func (b *planner) refuseEmpty() {
	if b.plan.Request.cut() == CutOffsets {
		b.refuse(CauseEmpty, "", "the archive holds no record below the given offsets")
		return
	}
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
