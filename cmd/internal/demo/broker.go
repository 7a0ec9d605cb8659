package demo

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// partitions of each topic.
var partitions = map[string]int32{events.Orders: 4, events.OrderRows: 2, events.CustomerRows: 2}

// broker is a Kafka broker in this process, on a free port of 127.0.0.1. Its
// topics are in memory and end with it.
type broker struct {
	cluster *kfake.Cluster
	address string
	client  *kgo.Client
	ids     map[string][16]byte
}

func startBroker() (*broker, error) {
	opts := []kfake.Opt{kfake.NumBrokers(1)}
	for topic, n := range partitions {
		opts = append(opts, kfake.SeedTopics(n, topic))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	b := &broker{cluster: cluster, address: cluster.ListenAddrs()[0], ids: make(map[string][16]byte)}
	if b.client, err = kgo.NewClient(kgo.SeedBrokers(b.address), kgo.ClientID("demo")); err != nil {
		cluster.Close()
		return nil, fmt.Errorf("connect to the embedded broker: %w", err)
	}
	for topic := range partitions {
		b.ids[topic] = cluster.TopicInfo(topic).TopicID
	}
	return b, nil
}

func (b *broker) close() {
	b.client.Close()
	b.cluster.Close()
}

// consume gives all records of a partition that a read_committed consumer sees,
// from its start to its end as it is now. A partition that does not exist has
// none.
func (b *broker) consume(ctx context.Context, topic string, partition int32, take func(recordbatch.Record)) error {
	info := b.cluster.PartitionInfo(topic, partition)
	if info == nil {
		return nil
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(b.address),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the last offset may be a marker's
	)
	if err != nil {
		return fmt.Errorf("open a consumer: %w", err)
	}
	defer client.Close()
	for next := int64(0); next < info.HighWatermark; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("consume: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() {
				take(consumed(r))
			}
		})
	}
	return nil
}

func consumed(r *kgo.Record) recordbatch.Record {
	out := recordbatch.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, recordbatch.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return out
}
