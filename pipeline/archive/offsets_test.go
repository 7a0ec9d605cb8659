package archive

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
)

// TestOffsetsGoToTheLeader: one question where the leader is known, and an
// answer also where what is known is out of date, or nothing is.
func TestOffsetsGoToTheLeader(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	right := broker.LeaderFor("orders", 0)
	var questions atomic.Int32
	broker.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		questions.Add(1)
		return nil, nil, false
	})
	for _, c := range []struct {
		leader    int32
		err       error
		questions int32
	}{
		{right, nil, 1}, {1 - right, nil, 2}, {77, nil, 1}, {-1, nil, 1}, {0, kerr.UnknownTopicOrPartition, 1},
	} {
		t.Run(fmt.Sprint(c.leader, c.err), func(t *testing.T) {
			questions.Store(0)
			o := offsets{client: client, leader: func(Key) (names.TopicID, leader, error) {
				return names.TopicID{}, leader{broker: c.leader}, c.err
			}}
			end, err := o.end(t.Context(), Key{Topic: "orders"})
			if err != nil || end != 1 || questions.Load() != c.questions {
				t.Errorf("end %d, %v, after %d questions; want 1 after %d", end, err, questions.Load(), c.questions)
			}
		})
	}
}
