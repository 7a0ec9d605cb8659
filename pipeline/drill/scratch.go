package drill

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// maxTopic is Kafka's limit on the length of a topic's name.
const maxTopic = 249

// scratchName is the scratch topic of a topic: prefix, time of the drill, the
// topic's name, and of a long one only the beginning and a hash.
func scratchName(prefix string, at time.Time, topic string) string {
	name := prefix + at.UTC().Format("20060102t150405.000") + "-" + topic
	if len(name) <= maxTopic {
		return name
	}
	sum := sha256.Sum256([]byte(topic))
	return fmt.Sprintf("%s-%x", name[:maxTopic-17], sum[:8])
}

// checkScratch refuses scratch topics that would be archived themselves, and
// names of those that an earlier drill could not delete.
func (d *drill) checkScratch(ctx context.Context) error {
	t := d.options.Target
	admin := kadm.NewClient(t.Client)
	meta, err := admin.Metadata(ctx)
	if err != nil {
		return fmt.Errorf("ask the target cluster for its topics: %w", err)
	}
	d.result.Target.Cluster = meta.Cluster
	source := d.cluster != nil && d.cluster.id == meta.Cluster
	for _, name := range d.scratch() {
		if source && t.Archived != nil && t.Archived(name) {
			return &ScratchError{Topic: name, Rule: "would be archived itself, for the target is the cluster that is archived and a pattern of topics matches the name: choose another prefix, another cluster, or drill to nowhere"}
		}
		if meta.Topics.Has(name) {
			return &ScratchError{Topic: name, Rule: "is there already: another drill may be at work; choose another prefix"}
		}
	}
	for _, name := range meta.Topics.Names() {
		if strings.HasPrefix(name, t.Prefix) {
			d.finds.note("topic %s of the target was left by an earlier drill, or kept: delete it", name)
		}
	}
	return nil
}

// ScratchError reports a scratch topic that must not be made. Nothing was
// written.
type ScratchError struct{ Topic, Rule string }

func (e *ScratchError) Error() string {
	return fmt.Sprintf("drill refused: scratch topic %s %s", e.Topic, e.Rule)
}

// scratch are the names of the scratch topics, sorted.
func (d *drill) scratch() []string {
	var all []string
	for _, topic := range d.options.Topics {
		all = append(all, d.into(topic))
	}
	slices.Sort(all)
	return all
}

func (d *drill) into(topic string) string {
	return scratchName(d.options.Target.Prefix, d.result.Started, topic)
}

// sweep deletes the scratch topics, also after the context has ended. The names
// are this drill's own, and none of them was there before it. It returns the
// topics that may be left.
func (d *drill) sweep(ctx context.Context) (left []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	topics := d.scratch()
	deleted, err := kadm.NewClient(d.options.Target.Client).DeleteTopics(ctx, topics...)
	if err != nil {
		d.options.Logger.Error("scratch topics are left", "topics", topics, "error", err)
		return topics
	}
	for _, t := range deleted.Sorted() {
		if t.Err != nil && !errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
			d.options.Logger.Error("scratch topic is left", "topic", t.Topic, "error", t.Err)
			left = append(left, t.Topic)
		}
	}
	return left
}
