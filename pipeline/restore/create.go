package restore

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// create makes a target topic in which nothing is refused or lost while it is
// filled. A topic that is there already is left alone: a restore that died
// right here made it.
func (t *target) create(ctx context.Context, topic TopicPlan, replication int16) error {
	if replication == 0 {
		replication = -1 // the cluster's default (KIP-464)
	}
	err := t.createWith(ctx, topic, replication, restoreSettings())
	if errors.Is(err, kerr.InvalidConfig) {
		err = t.createWith(ctx, topic, replication, oldSettings())
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic.Into, err)
	}
	return nil
}

func (t *target) createWith(ctx context.Context, topic TopicPlan, replication int16, config map[string]*string) error {
	resp, err := kadm.NewClient(t.client).CreateTopic(ctx, topic.PartitionCount, replication, config, topic.Into)
	if err != nil && resp.ErrMessage != "" {
		return fmt.Errorf("%w: %s", err, resp.ErrMessage)
	}
	return err
}

func restoreSettings() map[string]*string {
	config := map[string]*string{}
	for _, s := range settings() {
		config[s.name] = kadm.StringPtr(s.want)
	}
	return config
}

// oldSettings are for brokers before Kafka 3.6, which do not know the two newer
// limits on timestamps.
func oldSettings() map[string]*string {
	config := restoreSettings()
	config[oldTimestampLimit] = config["message.timestamp.before.max.ms"]
	delete(config, "message.timestamp.before.max.ms")
	delete(config, "message.timestamp.after.max.ms")
	return config
}
