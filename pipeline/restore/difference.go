package restore

import (
	"context"
	"fmt"
	"strconv"
)

// Difference is something that the target has otherwise than a restore wants it.
type Difference struct {
	// Setting is a topic setting, or "records", "partitions" or "cluster".
	Setting string `json:"setting"`
	Have    string `json:"have"`
	Want    string `json:"want"`
	// Effect says what would happen.
	Effect string `json:"effect"`
	// Unusable is true where AllowDifferences does not help.
	Unusable bool `json:"unusable,omitempty"`
}

// setting is what a topic must be set to so that nothing is refused or lost
// while it is restored.
type setting struct{ name, want, effect string }

func settings() []setting {
	open := strconv.FormatInt(maxTime, 10)
	return []setting{
		{"cleanup.policy", "delete", "compaction removes older records, and refuses those without a key"},
		{"retention.ms", "-1", "old records would be deleted right after they came back"},
		{"retention.bytes", "-1", "the oldest records would be deleted when the partition grows"},
		{"message.timestamp.type", "CreateTime", "the broker would give every record the time of the restore"},
		{"message.timestamp.before.max.ms", open, "records older than the limit would be refused"},
		{"message.timestamp.after.max.ms", open, "records with a time in the future would be refused"},
		{"compression.type", "producer", "the broker would compress every batch anew"},
		{"max.message.bytes", strconv.Itoa(batchBytes), "larger batches would be refused"},
	}
}

// oldTimestampLimit stood for both limits before Kafka 3.6 (KIP-937).
const oldTimestampLimit = "message.timestamp.difference.max.ms"

// inspect adds to the plan what the target is like.
func (b *planner) inspect(ctx context.Context) error {
	var into []string
	for _, t := range b.plan.Topics {
		into = append(into, t.Into)
	}
	cluster, states, err := b.target.describe(ctx, into)
	if err != nil {
		return err
	}
	b.plan.Cluster = cluster
	for i := range b.plan.Topics {
		if err := b.compare(ctx, &b.plan.Topics[i], states[b.plan.Topics[i].Into]); err != nil {
			return err
		}
	}
	return nil
}

func (b *planner) compare(ctx context.Context, t *TopicPlan, s topicState) error {
	t.Create, t.MaxMessageBytes = !s.exists, batchBytes
	if source := b.plan.Request.SourceCluster; source != "" && source == b.plan.Cluster && t.From == t.Into {
		t.differ("cluster", source, "another cluster or topic", "the topic would come back in the place it was archived from, and be archived again")
	}
	if s.exists {
		t.MaxMessageBytes = s.maxMessageBytes()
		t.differSettings(s)
		if err := b.compareLog(ctx, t, s); err != nil {
			return err
		}
	}
	for _, d := range t.Differences {
		b.refuseDifference(t, d)
	}
	return nil
}

func (t *TopicPlan) differ(name, have, want, effect string) {
	t.Differences = append(t.Differences, Difference{Setting: name, Have: have, Want: want, Effect: effect})
}

func (t *TopicPlan) differSettings(s topicState) {
	for _, want := range settings() {
		have, told := s.config[want.name]
		if told && have != want.want && !(want.name == "max.message.bytes" && s.maxMessageBytes() >= batchBytes) {
			t.differ(want.name, have, want.want, want.effect)
		}
	}
}

// compareLog looks for records and counts partitions. A topic whose records are
// gone is not empty: its offsets go on.
func (b *planner) compareLog(ctx context.Context, t *TopicPlan, s topicState) error {
	if !s.id.IsZero() && s.id == t.ID {
		t.differ("cluster", s.id.String(), "another topic", "this is the very topic that was archived")
	}
	if s.partitions < t.PartitionCount {
		t.differ("partitions", fmt.Sprint(s.partitions), fmt.Sprint(t.PartitionCount), "the last partitions have no place to go")
		t.Differences[len(t.Differences)-1].Unusable = true
	}
	if s.partitions > t.PartitionCount {
		t.differ("partitions", fmt.Sprint(s.partitions), fmt.Sprint(t.PartitionCount), "new records of a key may go to another partition than its old ones")
	}
	ends, err := b.target.offsets(ctx, t.Into, s.partitions, latestOffset)
	if err != nil {
		return err
	}
	var written int64
	for _, end := range ends {
		written += end
	}
	if written > 0 {
		t.differ("records", fmt.Sprintf("%d offsets in use", written), "none", "records that are there would be mixed with those that come back")
		t.Differences[len(t.Differences)-1].Unusable = true
	}
	return nil
}

func (b *planner) refuseDifference(t *TopicPlan, d Difference) {
	cause := CauseTarget
	switch {
	case d.Unusable:
		cause = CauseTargetUnusable
	case b.plan.Request.AllowDifferences:
		return
	}
	b.refuse(cause, t.From, "target topic %s: %s is %s, want %s: %s", t.Into, d.Setting, d.Have, d.Want, d.Effect)
}
