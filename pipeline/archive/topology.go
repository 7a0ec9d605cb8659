package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
)

// topology knows which broker leads each partition, and which life each topic
// is in. It asks through a client of its own, so that it never sits in front
// of a heartbeat or a fetch.
type topology struct {
	client *kgo.Client
	// wanted tells which topics matter now; changed is called after every
	// refresh.
	wanted  func() []string
	changed func()

	mu     sync.Mutex
	topics map[string]topicState
	fresh  chan struct{} // closed and replaced after every refresh
	kick   chan struct{}
}

type topicState struct {
	id      names.TopicID
	err     error
	leaders []leader // by partition number
}

type leader struct {
	broker int32 // -1: none now
	epoch  int32
}

func newTopology(client *kgo.Client, wanted func() []string, changed func()) *topology {
	return &topology{
		client: client, wanted: wanted, changed: changed,
		topics: map[string]topicState{}, fresh: make(chan struct{}), kick: make(chan struct{}, 1),
	}
}

// run refreshes until ctx ends: now and then, and soon after refresh was
// called. What it could not learn it asks for again, less and less often: a
// topic may be gone for good.
func (t *topology) run(ctx context.Context) {
	wait, again := metadataEvery, metadataAtMost
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-t.kick:
			pause(ctx, metadataAtMost)
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
		if t.load(ctx) {
			wait, again = metadataEvery, metadataAtMost
		} else {
			wait, again = again, min(2*again, metadataMissing)
		}
	}
}

// refresh asks for a refresh soon and returns at once.
func (t *topology) refresh() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// load asks once, and keeps what it knew where it learns nothing. It reports
// whether it knows everything.
func (t *topology) load(ctx context.Context) bool {
	topics := t.wanted()
	if len(topics) == 0 {
		return true
	}
	found, err := t.request(ctx, topics)
	if err != nil {
		return false
	}
	t.keep(topics, found)
	t.changed()
	for _, s := range found {
		if !s.whole() {
			return false
		}
	}
	return len(found) == len(topics)
}

// keep replaces what is known of the topics, and wakes who waits for it.
func (t *topology) keep(topics []string, found map[string]topicState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range topics {
		s, ok := found[name]
		if !ok {
			s.err = kerr.UnknownTopicOrPartition
		}
		t.topics[name] = s
	}
	close(t.fresh)
	t.fresh = make(chan struct{})
}

// whole reports whether every partition has a leader.
func (s topicState) whole() bool {
	return s.err == nil && !slices.ContainsFunc(s.leaders, func(l leader) bool { return l.broker < 0 })
}

func (t *topology) request(ctx context.Context, topics []string) (map[string]topicState, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return nil, fmt.Errorf("ask for metadata: %w", err)
	}
	found := map[string]topicState{}
	for i := range resp.Topics {
		if rt := &resp.Topics[i]; rt.Topic != nil {
			found[*rt.Topic] = stateOf(rt)
		}
	}
	return found, nil
}

func stateOf(rt *kmsg.MetadataResponseTopic) topicState {
	s := topicState{id: rt.TopicID, err: kerr.ErrorForCode(rt.ErrorCode)}
	for _, p := range rt.Partitions {
		for int(p.Partition) >= len(s.leaders) && p.Partition >= 0 && p.Partition < maxPartitions {
			s.leaders = append(s.leaders, leader{broker: -1, epoch: -1})
		}
		if int(p.Partition) < len(s.leaders) && p.Partition >= 0 {
			s.leaders[p.Partition] = leader{broker: p.Leader, epoch: p.LeaderEpoch}
		}
	}
	return s
}

// maxPartitions bounds a topic's partition numbers, so that a hostile broker
// cannot fill memory with one answer.
const maxPartitions = 1 << 20

// leader returns the topic's id and the partition's leader as last heard.
func (t *topology) leader(k Key) (names.TopicID, leader, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.topics[k.Topic]
	if !ok {
		return s.id, leader{}, errUnheard
	}
	if s.err != nil {
		return s.id, leader{}, fmt.Errorf("topic %s: %w", k.Topic, s.err)
	}
	if int(k.Partition) >= len(s.leaders) {
		return s.id, leader{}, fmt.Errorf("topic %s has %d partitions, not yet a partition %d: %w", k.Topic, len(s.leaders), k.Partition, kerr.UnknownTopicOrPartition)
	}
	return s.id, s.leaders[k.Partition], nil
}

// partitions returns how many partitions the topic has, as last heard.
func (t *topology) partitions(topic string) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int32(len(t.topics[topic].leaders))
}

var errUnheard = fmt.Errorf("no metadata yet: %w", kerr.LeaderNotAvailable)

// await returns the topic's id once the topology has heard of it.
func (t *topology) await(ctx context.Context, k Key) (names.TopicID, error) {
	for {
		t.mu.Lock()
		fresh := t.fresh
		t.mu.Unlock()
		id, _, err := t.leader(k)
		if !errors.Is(err, errUnheard) {
			return id, err
		}
		t.refresh()
		select {
		case <-fresh:
		case <-ctx.Done():
			return id, ctx.Err()
		}
	}
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
