package archive

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// await returns when it is time to stop.
func (a *Archiver) await(ctx context.Context) {
	if !a.cfg.UntilCaughtUp {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(retryFirst)
	defer tick.Stop()
	others := others{a: a, ends: map[Key]int64{}, done: map[Key]bool{}}
	for !a.caughtUp() || !others.caughtUp(ctx) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// caughtUp reports whether every partition we own has stored what it held when
// it was assigned, and no more are about to come.
func (a *Archiver) caughtUp() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.assigned.IsZero() || time.Since(a.assigned) < settled {
		return false
	}
	for _, p := range a.parts {
		if !p.idle.Load() {
			return false
		}
	}
	return true
}

// others are the partitions that are not ours. Whoever has them may be at
// work, or dead and not yet missed by the group: then they come to us, later.
// So a run until caught up ends only when the regions hold these, too.
type others struct {
	a     *Archiver
	ends  map[Key]int64 // last stable offsets, as first seen
	done  map[Key]bool  // archived up to there
	asked time.Time
}

// othersEvery is how often the regions are asked about partitions of others.
const othersEvery = time.Second

// caughtUp reports whether every region holds all that was in the partitions
// of others when they were first looked at.
func (o *others) caughtUp(ctx context.Context) bool {
	if time.Since(o.asked) < othersEvery {
		return false
	}
	o.asked = time.Now()
	left, err := o.look(ctx)
	switch {
	case err != nil:
		o.a.log.Warn("look at the partitions of other members", "error", err)
	case left > 0:
		o.a.log.Info("waiting for partitions that another member has", "partitions", left)
	}
	return err == nil && left == 0
}

// look returns how many partitions are not archived as far as they must be.
func (o *others) look(ctx context.Context) (left int, err error) {
	topics := o.a.group.GetConsumeTopics()
	if len(topics) == 0 {
		return 0, nil
	}
	found, err := o.a.topology.request(ctx, topics)
	if err != nil {
		return 0, err
	}
	for _, topic := range topics {
		for n := range found[topic].leaders {
			k := Key{topic, int32(n)}
			if o.done[k] || o.a.owns(k) {
				continue
			}
			if o.done[k], err = o.archived(ctx, k, found[topic].id); err != nil {
				return left, fmt.Errorf("topic %s partition %d: %w", k.Topic, k.Partition, err)
			}
			if !o.done[k] {
				left++
			}
		}
	}
	return left, nil
}

func (a *Archiver) owns(k Key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.parts[k] != nil
}

// archived reports whether the regions hold one partition up to its end.
func (o *others) archived(ctx context.Context, k Key, id names.TopicID) (bool, error) {
	end, known := o.ends[k]
	if !known {
		var err error
		if end, err = o.a.offsets.stable(ctx, k); err != nil {
			return false, err
		}
		o.ends[k] = end
	}
	start, err := o.a.offsets.start(ctx, k)
	if err != nil || start >= end { // nothing is left in Kafka that could be archived
		return err == nil, err
	}
	t, err := o.a.catalogue.Tails(ctx, names.Partition{
		Topic: k.Topic, Lineage: names.Lineage{Topic: id, Branch: names.RootBranch}, Number: k.Partition,
	})
	return err == nil && lowest(t) >= end, err
}

// lowest is the offset up to which every region holds everything.
func lowest(t cover.Tails) int64 {
	next := t.Next
	for _, r := range t.Regions {
		next = min(next, r.Next)
	}
	return next
}
