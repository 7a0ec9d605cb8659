package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
)

const (
	// patience is how long a topic may take to be known everywhere, and a
	// batch to be taken.
	patience = 2 * time.Minute
	// pause is how long to wait before a batch is sent again, and quick that
	// for a transaction, whose last one takes the brokers a moment to end.
	pause = 100 * time.Millisecond
	quick = 5 * time.Millisecond
)

// topology is which broker leads which partition.
type topology struct {
	topic string
	id    names.TopicID

	mu      sync.RWMutex
	leaders []int32
}

// newTopology waits until every partition has a leader, and that leader serves
// it: after a topic was made, brokers are named as leaders while they still
// make the logs, and a schedule that began then would be behind at once.
func newTopology(ctx context.Context, o Options) (*topology, error) {
	client, err := kgo.NewClient(o.Client...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	t := &topology{topic: o.Topic, leaders: make([]int32, o.Workload.Partitions)}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := t.ask(ctx, client)
		if err == nil {
			err = serving(ctx, client, o.Topic)
		}
		if err == nil {
			return t, nil
		}
		if wait(ctx, pause) != nil {
			return nil, err
		}
	}
}

// serving is nil when every partition's leader answers for it.
func serving(ctx context.Context, client *kgo.Client, topic string) error {
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	return ends.Error()
}

func (t *topology) leader(partition int32) int32 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.leaders[partition]
}

// ask learns who leads. It also lets the client know the brokers.
func (t *topology) ask(ctx context.Context, client *kgo.Client) error {
	leaders, id, err := leadersOf(ctx, client, t.topic, len(t.leaders))
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaders, t.id = leaders, id
	return nil
}

func leadersOf(ctx context.Context, client *kgo.Client, topic string, partitions int) ([]int32, names.TopicID, error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, names.TopicID{}, err
	}
	if len(resp.Topics) != 1 {
		return nil, names.TopicID{}, fmt.Errorf("the brokers tell of %d topics instead of one", len(resp.Topics))
	}
	found := resp.Topics[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return nil, names.TopicID{}, err
	}
	if len(found.Partitions) != partitions {
		return nil, names.TopicID{}, fmt.Errorf("the topic has %d partitions instead of %d", len(found.Partitions), partitions)
	}
	leaders := make([]int32, partitions)
	for _, p := range found.Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return nil, names.TopicID{}, fmt.Errorf("partition %d: %w", p.Partition, err)
		}
		leaders[p.Partition] = p.Leader
	}
	return leaders, found.TopicID, nil
}

// wait waits, or returns the error of a context that is over.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
