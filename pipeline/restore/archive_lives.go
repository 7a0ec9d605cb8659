package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Lives implements Source. While there is one life it costs a listing; with
// more, the settings of each and its first and last segments are looked at.
func (s *archive) Lives(ctx context.Context, topic string) ([]Life, error) {
	found, err := s.cover.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	parts := map[names.TopicID][]names.Partition{}
	var lives []Life
	for _, p := range found {
		id := p.Lineage.Topic
		if len(parts[id]) == 0 {
			lives = append(lives, Life{ID: id, MaxTimestamp: segment.NoTimestamp})
		}
		parts[id] = append(parts[id], p)
	}
	if len(lives) < 2 {
		return lives, nil
	}
	for i := range lives {
		if err := s.date(ctx, &lives[i], parts[lives[i].ID]); err != nil {
			return nil, fmt.Errorf("tell the age of %s: %w", lives[i].ID, err)
		}
	}
	slices.SortStableFunc(lives, func(x, y Life) int {
		return cmp.Or(x.First.Compare(y.First), x.Last.Compare(y.Last), strings.Compare(x.ID.String(), y.ID.String()))
	})
	return lives, nil
}

// date looks for the signs of a life.
func (s *archive) date(ctx context.Context, l *Life, parts []names.Partition) error {
	setups, err := s.Setups(ctx, parts[0].Topic, l.ID)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	for _, setup := range setups {
		l.sign(setup.At)
	}
	for _, p := range parts {
		m, err := s.cover.Map(ctx, p)
		if err != nil {
			return err
		}
		if o := s.firstOf(ctx, slices.Values(m.Segments)); o != nil {
			l.sign(o.Segment.Header().Created)
		}
		if o := s.firstOf(ctx, backward(m.Segments)); o != nil {
			created := o.Segment.Header().Created
			l.sign(created)
			if created.After(l.Last) {
				l.Last = created
			}
			l.MaxTimestamp = max(l.MaxTimestamp, o.Segment.Footer().MaxTimestamp())
		}
	}
	return ctx.Err()
}

// sign notes that the life had begun by then.
func (l *Life) sign(at time.Time) {
	if l.First.IsZero() || at.Before(l.First) {
		l.First = at
	}
}

func backward(list []cover.Candidate) func(func(cover.Candidate) bool) {
	return func(yield func(cover.Candidate) bool) {
		for _, c := range slices.Backward(list) {
			if !yield(c) {
				return
			}
		}
	}
}

// firstOf returns the first segment that counts, nil if none does.
func (s *archive) firstOf(ctx context.Context, list func(func(cover.Candidate) bool)) *cover.Object {
	for c := range list {
		o, err := s.cover.VerifyAnywhere(ctx, c)
		if err == nil {
			return o
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

// Setups implements Source: the settings of all branches of a life.
func (s *archive) Setups(ctx context.Context, topic string, id names.TopicID) ([]Setup, error) {
	lineages, err := s.cover.Lineages(ctx, topic)
	if err != nil {
		return nil, err
	}
	var found []Setup
	var failed []error
	for _, l := range lineages {
		if l.Topic != id {
			continue
		}
		configs, err := s.cover.TopicConfigs(ctx, topic, l)
		if err != nil {
			failed = append(failed, err)
		}
		for _, c := range configs {
			found = append(found, Setup{At: c.At, Partitions: c.Partitions, Settings: c.Settings})
		}
	}
	slices.SortStableFunc(found, func(x, y Setup) int { return x.At.Compare(y.At) })
	return found, errors.Join(failed...)
}
