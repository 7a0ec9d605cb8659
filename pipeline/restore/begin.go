package restore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// claim makes the state file of a new restore, after it has seen that the
// target still is as the plan says.
func (x *execution) claim(ctx context.Context) error {
	cluster, states, err := x.target.describe(ctx, x.plan.into())
	if err != nil {
		return err
	}
	if cluster != x.plan.Cluster {
		return fmt.Errorf("the target is cluster %s, the plan was made for %s", cluster, x.plan.Cluster)
	}
	for _, t := range x.plan.Topics {
		if states[t.Into].exists == t.Create {
			return fmt.Errorf("target topic %s appeared or went away since the plan was made: plan again", t.Into)
		}
		if err := x.unchanged(ctx, t, states[t.Into]); err != nil {
			return err
		}
	}
	id, epoch, err := x.target.producerID(ctx)
	if err != nil {
		return err
	}
	x.state = &state{Plan: x.plan, ProducerID: id, ProducerEpoch: epoch}
	return x.state.save(x.options.StateFile)
}

// unchanged looks at a target topic as the planner did and compares: a plan may
// have been kept for days.
func (x *execution) unchanged(ctx context.Context, t TopicPlan, s topicState) error {
	now := &planner{target: x.target, plan: &Plan{Request: x.plan.Request, Cluster: x.plan.Cluster}}
	seen := TopicPlan{From: t.From, Into: t.Into, ID: t.ID, PartitionCount: t.PartitionCount}
	if err := now.compare(ctx, &seen, s); err != nil {
		return err
	}
	if seen.MaxMessageBytes == t.MaxMessageBytes && slices.Equal(seen.Differences, t.Differences) {
		return nil
	}
	return fmt.Errorf("target topic %s is not as it was when the plan was made (it takes batches of %d bytes, was %d; it differs in %v, was %v): plan again",
		t.Into, seen.MaxMessageBytes, t.MaxMessageBytes, seen.Differences, t.Differences)
}

// create makes the topics that are missing, sees that all are empty, and
// remembers their ids. Nothing is produced before that is saved.
func (x *execution) create(ctx context.Context) error {
	for _, t := range x.plan.Topics {
		if !t.Create {
			continue
		}
		if err := x.target.create(ctx, t, x.plan.Request.ReplicationFactor); err != nil {
			return err
		}
	}
	if err := x.awaitLeaders(ctx); err != nil {
		return err
	}
	for _, t := range x.plan.Topics {
		if err := x.mustBeEmpty(ctx, t); err != nil {
			return err
		}
	}
	x.state.Topics = x.leaders.ids
	return x.state.save(x.options.StateFile)
}

// awaitLeaders returns when every partition that the plan needs has a leader.
func (x *execution) awaitLeaders(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, x.options.StallTimeout, ErrStalled)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		_, seen := x.leaders.of(place{})
		err := x.leaders.refresh(ctx, seen)
		topic, missing := x.leaders.missing(x.plan.Topics)
		if err == nil && !missing {
			return nil
		}
		if wait(ctx, pause) != nil {
			return fmt.Errorf("wait for the leaders of topic %q: %w", topic, context.Cause(ctx))
		}
	}
}

func (x *execution) mustBeEmpty(ctx context.Context, t TopicPlan) error {
	ends, err := x.target.offsets(ctx, t.Into, t.PartitionCount, latestOffset)
	if err != nil {
		return err
	}
	for p, end := range ends {
		if end != 0 {
			return fmt.Errorf("target topic %s partition %d holds %d records that this restore did not bring", t.Into, p, end)
		}
	}
	return nil
}

// recognise sees that the target topics are the very ones that an earlier run
// filled.
func (x *execution) recognise(ctx context.Context) error {
	if err := x.awaitLeaders(ctx); err != nil {
		return err
	}
	for _, t := range x.plan.Topics {
		if was, is := x.state.Topics[t.Into], x.leaders.ids[t.Into]; was != is {
			return fmt.Errorf("target topic %s has the id %s, this restore began with %s: it was deleted and made again since", t.Into, is, was)
		}
	}
	return nil
}

// arrival is what a target partition holds when a run begins.
type arrival struct {
	records int64
	last    *recordbatch.Record // nil on a first run
}

// arrived looks at every partition of a topic. On a resumed restore it proves
// that what is there is ours.
func (x *execution) arrived(ctx context.Context, t TopicPlan) (map[int32]arrival, error) {
	ends, err := x.target.offsets(ctx, t.Into, t.PartitionCount, latestOffset)
	if err != nil {
		return nil, err
	}
	starts, err := x.target.offsets(ctx, t.Into, t.PartitionCount, oldestOffset)
	if err != nil {
		return nil, err
	}
	found := map[int32]arrival{}
	for _, p := range t.Partitions {
		a := arrival{records: ends[p.Number]}
		if starts[p.Number] != 0 {
			return nil, fmt.Errorf("target topic %s partition %d begins at offset %d: records that had come back were deleted", t.Into, p.Number, starts[p.Number])
		}
		if x.resumed {
			if a.last, err = x.witness(ctx, place{t.Into, p.Number}, a.records); err != nil {
				return nil, err
			}
		}
		found[p.Number] = a
	}
	return found, nil
}

func (p *Plan) into() []string {
	var into []string
	for _, t := range p.Topics {
		into = append(into, t.Into)
	}
	return into
}
