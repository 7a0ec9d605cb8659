package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/load"
)

// topic is a topic of this run, and what was acknowledged in it.
type topic struct {
	name     string
	spec     Spec
	servers  *Servers
	ledger   *load.Ledger
	restored string // a topic that was restored from it, or empty
}

// load returns the topic of a point: the last one where that has the same
// workload, or a new one that is produced now.
func (r *Runner) load(ctx context.Context, j *job) (*topic, error) {
	if r.topic == nil || !r.topic.spec.sameTopic(j.spec) || r.topic.servers != j.servers {
		if err := r.newTopic(ctx, j); err != nil {
			return nil, err
		}
		r.say("  producing %d events", j.spec.Workload.Events)
		if err := r.fill(ctx, j, r.topic); err != nil {
			return nil, errors.Join(err, r.removeTopic(ctx))
		}
		r.say("  produced %.0f events/s", r.topic.ledger.Result.Rate.Held)
	}
	j.describe(r.topic)
	return r.topic, nil
}

// describe puts into the point what was really produced.
func (j *job) describe(t *topic) {
	asked := j.spec.Workload
	j.point.Workload = t.ledger.Workload
	j.point.Workload.Events, j.point.Workload.Rate = asked.Events, asked.Rate
}

// newTopic removes what the last points left and names a topic.
func (r *Runner) newTopic(ctx context.Context, j *job) error {
	patience := time.Duration(0)
	if r.topic != nil {
		patience = settleTime
	}
	if err := errors.Join(r.removeArchive(ctx), r.removeTopic(ctx)); err != nil {
		return err
	}
	if err := checkSpace(ctx, j.spec, j.servers, patience); err != nil {
		return err
	}
	r.topic = &topic{name: j.name + "-orders", spec: j.spec, servers: j.servers}
	return nil
}

// fill produces the topic.
func (r *Runner) fill(ctx context.Context, j *job, t *topic) error {
	g, err := r.generator(ctx, j, t)
	if err != nil {
		return err
	}
	t.ledger, err = g.produce()
	return err
}

// removeTopic removes the last topic, and what was restored from it.
func (r *Runner) removeTopic(ctx context.Context) error {
	t := r.topic
	if t == nil {
		return nil
	}
	names := []string{t.name}
	if t.restored != "" {
		names = append(names, t.restored)
	}
	if err := removeTopics(ctx, t.servers, names...); err != nil {
		return err
	}
	r.topic = nil
	return nil
}

// removeTopics removes topics; those that are not there are no error.
func removeTopics(ctx context.Context, servers *Servers, names ...string) error {
	client, err := kgo.NewClient(servers.Client...)
	if err != nil {
		return fmt.Errorf("remove topics: %w", err)
	}
	defer client.Close()
	answers, err := kadm.NewClient(client).DeleteTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("remove topics: %w", err)
	}
	for _, a := range answers {
		if a.Err != nil && !errors.Is(a.Err, kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("remove topic %s: %w", a.Topic, a.Err)
		}
	}
	return nil
}
