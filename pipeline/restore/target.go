package restore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
)

// target is the cluster that is restored into. It asks Kafka afresh each time:
// the client's own cache of metadata may be seconds old.
type target struct{ client *kgo.Client }

// topicState is what the target knows of one topic.
type topicState struct {
	exists     bool
	id         names.TopicID
	partitions int32
	config     map[string]string
}

// metadata asks for the named topics and teaches the client the brokers.
func (t *target) metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return nil, fmt.Errorf("ask the target for metadata: %w", err)
	}
	return resp, nil
}

// describe looks at topics, which need not exist. It also tells the cluster's id.
func (t *target) describe(ctx context.Context, topics []string) (cluster string, states map[string]topicState, err error) {
	resp, err := t.metadata(ctx, topics)
	if err != nil {
		return "", nil, err
	}
	if resp.ClusterID != nil {
		cluster = *resp.ClusterID
	}
	states = map[string]topicState{}
	for _, rt := range resp.Topics {
		if rt.Topic == nil {
			continue
		}
		if states[*rt.Topic], err = t.state(ctx, rt); err != nil {
			return "", nil, fmt.Errorf("describe topic %s: %w", *rt.Topic, err)
		}
	}
	return cluster, states, nil
}

func (t *target) state(ctx context.Context, rt kmsg.MetadataResponseTopic) (topicState, error) {
	err := kerr.ErrorForCode(rt.ErrorCode)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return topicState{}, nil
	}
	if err != nil {
		return topicState{}, err
	}
	s := topicState{exists: true, id: rt.TopicID, partitions: int32(len(rt.Partitions)), config: map[string]string{}}
	described, err := kadm.NewClient(t.client).DescribeTopicConfigs(ctx, *rt.Topic)
	if err != nil {
		return s, fmt.Errorf("describe settings: %w", err)
	}
	for _, resource := range described {
		if resource.Err != nil {
			return s, fmt.Errorf("describe settings: %w", resource.Err)
		}
		for _, c := range resource.Configs {
			s.config[c.Key] = c.MaybeValue()
		}
	}
	return s, nil
}

// maxMessageBytes is the largest batch that the topic takes.
func (s topicState) maxMessageBytes() int {
	if n, err := strconv.Atoi(s.config["max.message.bytes"]); err == nil {
		return n
	}
	return brokerBatchBytes
}

// The moments that ListOffsets knows beside real ones.
const (
	latestOffset = -1
	oldestOffset = -2
)

// offsets asks for the end (latestOffset, read_uncommitted) or the start of
// partitions [0, n) of a topic.
func (t *target) offsets(ctx context.Context, topic string, n int32, which int64) (map[int32]int64, error) {
	deadline := time.Now().Add(settleTopic)
	for {
		found, err := t.askOffsets(ctx, topic, n, which)
		if err == nil || !kerr.IsRetriable(err) || time.Now().After(deadline) {
			return found, err
		}
		select {
		case <-time.After(settleEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A topic that was just created, or whose leader moves, is not known to every
// broker at once: it is asked for again for this long, this often.
const (
	settleTopic = 20 * time.Second
	settleEvery = 200 * time.Millisecond
)

// end asks a partition's leader for the end of its log, once.
func (t *target) end(ctx context.Context, broker int32, p place) (int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	rt, rp := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	rt.Topic, rp.Partition, rp.Timestamp = p.topic, p.partition, latestOffset
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := t.client.Broker(int(broker)).Request(ctx, req)
	if err != nil {
		return 0, fmt.Errorf("ask broker %d for the end of topic %s partition %d: %w", broker, p.topic, p.partition, err)
	}
	resp := answer.(*kmsg.ListOffsetsResponse)
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, errNoAnswer
	}
	return resp.Topics[0].Partitions[0].Offset, kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

// askOffsets asks once.
func (t *target) askOffsets(ctx context.Context, topic string, n int32, which int64) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for p := range n {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p, which
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return nil, fmt.Errorf("list offsets of topic %s: %w", topic, err)
	}
	found := map[int32]int64{}
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return nil, fmt.Errorf("list offsets of topic %s partition %d: %w", topic, rp.Partition, err)
			}
			found[rp.Partition] = rp.Offset
		}
	}
	if len(found) != int(n) {
		return nil, fmt.Errorf("list offsets of topic %s: %d of %d partitions answered", topic, len(found), n)
	}
	return found, nil
}

// producerID asks for a fresh idempotent producer.
func (t *target) producerID(ctx context.Context) (id int64, epoch int16, err error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch = -1, -1
	resp, err := req.RequestWith(ctx, t.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("ask for a producer id: %w", err)
	}
	return resp.ProducerID, resp.ProducerEpoch, nil
}
