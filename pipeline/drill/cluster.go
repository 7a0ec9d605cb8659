package drill

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
)

// cluster is what the source cluster said of the topics when it was asked.
type cluster struct {
	client *kgo.Client
	id     string
	topics map[string]sourceTopic
}

// sourceTopic is a topic as it is in the source now.
type sourceTopic struct {
	id         names.TopicID
	partitions int32
	// compacts is true if the cleaner takes records of older keys.
	compacts bool
	// start and stable are the log's first offset and the last stable one, of
	// the partitions that answered.
	start, stable map[int32]int64
}

// askCluster asks once for all that a comparison needs. What one topic or
// partition does not tell is left out; only a cluster that does not answer at
// all is an error.
func askCluster(ctx context.Context, client *kgo.Client, topics []string) (*cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, askSource)
	defer cancel()
	admin := kadm.NewClient(client)
	meta, err := admin.Metadata(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("ask the source cluster for metadata: %w", err)
	}
	c := &cluster{client: client, id: meta.Cluster, topics: map[string]sourceTopic{}}
	var there []string
	for name, t := range meta.Topics {
		if t.Err == nil {
			c.topics[name] = sourceTopic{id: names.TopicID(t.ID), partitions: int32(len(t.Partitions)), start: map[int32]int64{}, stable: map[int32]int64{}}
			there = append(there, name)
		} else if !errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("ask the source cluster for topic %s: %w", name, t.Err)
		}
	}
	if len(there) == 0 {
		return c, nil
	}
	if err := c.policies(ctx, admin, there); err != nil {
		return nil, err
	}
	return c, c.offsets(ctx, admin, there)
}

// policies learns which topics are compacted.
func (c *cluster) policies(ctx context.Context, admin *kadm.Client, topics []string) error {
	described, err := admin.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return fmt.Errorf("ask the source cluster for settings: %w", err)
	}
	for _, resource := range described {
		t := c.topics[resource.Name]
		for _, s := range resource.Configs {
			if s.Key == "cleanup.policy" {
				t.compacts = strings.Contains(s.MaybeValue(), "compact")
			}
		}
		c.topics[resource.Name] = t
	}
	return nil
}

func (c *cluster) offsets(ctx context.Context, admin *kadm.Client, topics []string) error {
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("ask the source cluster where its logs begin: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("ask the source cluster where its logs end: %w", err)
	}
	starts.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			c.topics[o.Topic].start[o.Partition] = o.Offset
		}
	})
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			c.topics[o.Topic].stable[o.Partition] = o.Offset
		}
	})
	return nil
}

// comparable tells why a partition of a life of a topic cannot be compared with
// the source, or "".
func (c *cluster) comparable(p names.Partition) (t sourceTopic, why string) {
	t, ok := c.topics[p.Topic]
	if !ok {
		return t, "the source cluster has no such topic"
	}
	if t.id != p.Lineage.Topic {
		return t, fmt.Sprintf("the source cluster has another life of the topic, %s", t.id)
	}
	_, begins := t.start[p.Number]
	_, ends := t.stable[p.Number]
	if !begins || !ends {
		return t, "the source cluster did not tell where the log begins and ends"
	}
	return t, ""
}
