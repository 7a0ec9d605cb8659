package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Life is one life of a topic, from when it was made until it was deleted, as
// far as the archive has signs of it. A topic that was never made again has one,
// of which nothing but the id need be known.
type Life struct {
	ID names.TopicID `json:"topic_id"`
	// First is the first sign: when its settings were first written down, or its
	// first segment was begun.
	First time.Time `json:"first_sign,omitzero"`
	// Last is when the last of its segments was begun.
	Last time.Time `json:"last_sign,omitzero"`
	// MaxTimestamp is the highest timestamp of a record in those segments in ms,
	// segment.NoTimestamp where there is none.
	MaxTimestamp int64 `json:"max_timestamp_ms"`
}

// until is the last sign of a life that another one followed. A record counts
// as a sign, unless it claims a time at which the next life was there.
func (l Life) until(next Life) time.Time {
	record := time.UnixMilli(l.MaxTimestamp)
	if l.MaxTimestamp != segment.NoTimestamp && record.After(l.Last) && record.Before(next.First) {
		return record
	}
	return l.Last
}

// life chooses the life of a topic that is restored; it is not ok, and refused,
// where none is certain.
func (b *planner) life(ctx context.Context, topic string, lives []Life, parts []names.Partition) (chosen Life, ok bool, err error) {
	if id := b.plan.Request.Lineage[topic]; id != "" {
		chosen, ok = b.namedLife(topic, id, lives)
		return chosen, ok, nil
	}
	newest := len(lives) - 1
	if len(lives) == 1 || b.plan.Request.To.IsZero() {
		return lives[newest], true, nil
	}
	to := time.UnixMilli(b.plan.To)
	i := newest
	for i > 0 && lives[i].First.After(to) {
		i--
	}
	if i < newest && to.After(lives[i].until(lives[i+1])) {
		begun, err := b.begun(ctx, lives[i].until(lives[i+1]), lives[i+1], parts)
		if err != nil {
			return Life{}, false, fmt.Errorf("look for the first records of %s: %w", lives[i+1].ID, err)
		}
		if begun {
			return lives[i+1], true, nil
		}
		b.refuse(CauseBetweenLives, topic, "%s lies between two lives of topic %s: the last sign of %s is of %s, the first sign of %s is of %s: choose another moment, or one of them",
			moment(b.plan.To), topic, lives[i].ID, stamp(lives[i].until(lives[i+1])), lives[i+1].ID, stamp(lives[i+1].First))
		return Life{}, false, nil
	}
	return lives[i], true, nil
}

// begun reports whether a life had records at the moment, before the archiver
// first saw it: whether one of its first segments holds a record from between the
// last sign of the life before it and the moment.
func (b *planner) begun(ctx context.Context, after time.Time, next Life, parts []names.Partition) (bool, error) {
	for _, p := range parts {
		if p.Lineage.Topic != next.ID {
			continue
		}
		s, err := b.src.Survey(ctx, p)
		if err != nil {
			return false, err
		}
		if len(s.Segments) == 0 {
			continue
		}
		found, err := b.holdsBetween(ctx, p, s.Segments[0], after.UnixMilli())
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// holdsBetween looks for a record of a segment behind a time (ms) and at or
// before the moment.
func (b *planner) holdsBetween(ctx context.Context, p names.Partition, first Segment, after int64) (bool, error) {
	for piece, err := range b.src.Read(ctx, p, first.Base, first.Next, nil) {
		if err != nil {
			return false, err
		}
		if piece.IsControl() {
			continue
		}
		for rec, err := range piece.Records(b.dec) {
			if err != nil || rec.Timestamp > after && rec.Timestamp <= b.plan.To {
				return err == nil, err
			}
		}
	}
	return false, nil
}

func (b *planner) namedLife(topic, id string, lives []Life) (chosen Life, ok bool) {
	var known []string
	for _, l := range lives {
		if l.ID.String() == id {
			return l, true
		}
		known = append(known, l.ID.String())
	}
	b.refuse(CauseNotArchived, topic, "the archive holds no life %s of topic %s, only %s", id, topic, strings.Join(known, ", "))
	return Life{}, false
}

// others are the lives that are not restored.
func others(lives []Life, chosen names.TopicID) []Life {
	return slices.DeleteFunc(slices.Clone(lives), func(l Life) bool { return l.ID == chosen })
}

func stamp(t time.Time) string { return moment(t.UnixMilli()) }

// setupAt returns the set-up that was in force at a moment, the first known one
// if the moment is before it, the last if the moment is zero.
func setupAt(setups []Setup, to time.Time) Setup {
	if len(setups) == 0 {
		return Setup{}
	}
	at := setups[0]
	for _, s := range setups[1:] {
		if to.IsZero() || !s.At.After(to) {
			at = s
		}
	}
	return at
}

// setup reads how a life was set up at the moment.
func (b *planner) setup(found []Setup, err error) (Setup, error) {
	if err != nil && len(found) == 0 {
		return Setup{}, fmt.Errorf("read its settings: %w", err)
	}
	if err != nil {
		b.warn([]string{fmt.Sprintf("some settings could not be read, so that others may seem to have been in force: %v", err)})
	}
	return setupAt(found, b.plan.Request.To), nil
}
