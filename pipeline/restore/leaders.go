package restore

import (
	"context"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
)

// noLeader stands for a partition whose leader is being elected.
const noLeader = -1

type place struct {
	topic     string
	partition int32
}

// leaders knows which broker leads which target partition.
type leaders struct {
	target *target
	topics []string

	mu   sync.Mutex
	at   map[place]int32
	ids  map[string]names.TopicID
	seen int // how often the target was asked
}

// of returns the leader, and the state of knowledge to hand to refresh if it
// proves wrong.
func (l *leaders) of(p place) (broker int32, seen int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	broker, ok := l.at[p]
	if !ok {
		broker = noLeader
	}
	return broker, l.seen
}

// refresh asks again, unless another lane did since the caller looked. It keeps
// the lock while it asks: all lanes of a lost broker come here at once, and one
// question is enough.
func (l *leaders) refresh(ctx context.Context, seen int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen > seen {
		return nil
	}
	resp, err := l.target.metadata(ctx, l.topics)
	if err != nil {
		return err
	}
	l.at, l.ids, l.seen = map[place]int32{}, map[string]names.TopicID{}, l.seen+1
	for _, rt := range resp.Topics {
		if rt.Topic == nil || rt.ErrorCode != 0 {
			continue
		}
		l.ids[*rt.Topic] = rt.TopicID
		for _, rp := range rt.Partitions {
			l.at[place{*rt.Topic, rp.Partition}] = rp.Leader
		}
	}
	return nil
}

// missing returns a topic that does not have that many partitions with leaders yet.
func (l *leaders) missing(topics []TopicPlan) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range topics {
		for n := range t.PartitionCount {
			if broker, ok := l.at[place{t.Into, n}]; !ok || broker < 0 {
				return t.Into, true
			}
		}
	}
	return "", false
}
