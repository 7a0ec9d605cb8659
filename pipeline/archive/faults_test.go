package archive_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// A crash after the PUT in A, before B.
func TestCrashBetweenTheRegions(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 300)
	w.catchUp(w.config("orders"))
	b := w.regions[1]
	b.mu.Lock()
	last := ""
	for n := range b.objects {
		last = max(last, n)
	}
	delete(b.objects, last)
	b.mu.Unlock()

	w.produce("orders", 0, 100)
	w.catchUp(w.config("orders"))
	w.same("orders", 1)
	if a := w.regions[0].names(); strings.Join(a, "\n") != strings.Join(b.names(), "\n") {
		t.Errorf("regions differ:\n%q\n%q", a, b.names())
	}
}

// What a zombie stores late overlaps, and does no harm.
func TestTwoArchiversCutDifferently(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 400)
	one, other := w.config("orders"), w.config("orders")
	one.Roll.Size, other.Roll.Size = 8<<10, 20<<10
	other.Group = "zombie"
	done := make(chan error, 2)
	for _, cfg := range []archive.Config{one, other} {
		cfg.UntilCaughtUp = true
		go func() { done <- w.archiver(cfg).Run(context.Background()) }()
	}
	must(t, <-done)
	must(t, <-done)
	w.same("orders", 1)
}

// Partitions move to a second member while records are in flight.
func TestRebalanceStoresBeforeItGivesUp(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(6, "orders"))
	stopOne := w.run(w.archiver(w.config("orders")))
	for p := range int32(6) {
		w.produce("orders", p, 100)
	}
	stopTwo := w.run(w.archiver(w.config("orders")))
	for range 3 {
		for p := range int32(6) {
			w.produce("orders", p, 50)
		}
	}
	must(t, stopOne())
	for p := range int32(6) {
		w.produce("orders", p, 10)
	}
	w.eventually("the second member has everything", func() bool { return w.committedAll("orders", 6, 260) })
	must(t, stopTwo())
	w.same("orders", 6)
}

func (w *world) committedAll(topic string, partitions int32, want int64) bool {
	for p := range partitions {
		if at, _ := w.committed(topic, p); at != want {
			return false
		}
	}
	return true
}

// A refused commit is harmless.
func TestRefusedCommitsLoseNothing(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	var refused atomic.Int32
	w.broker.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if refused.Add(1) > 5 {
			return nil, nil, false
		}
		w.broker.KeepControl()
		r := req.(*kmsg.OffsetCommitRequest)
		resp := r.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, rt := range r.Topics {
			t := kmsg.NewOffsetCommitResponseTopic()
			t.Topic, t.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				p := kmsg.NewOffsetCommitResponseTopicPartition()
				p.Partition, p.ErrorCode = rp.Partition, 22 // ILLEGAL_GENERATION
				t.Partitions = append(t.Partitions, p)
			}
			resp.Topics = append(resp.Topics, t)
		}
		return resp, nil, true
	})
	stop := w.run(w.archiver(w.config("orders")))
	w.produce("orders", 0, 200)
	w.eventually("stored in both regions", func() bool {
		return len(w.archived(0, "orders", 0)) == 200 && len(w.archived(1, "orders", 0)) == 200
	})
	w.produce("orders", 0, 10)
	w.eventually("committed in the end", func() bool { at, _ := w.committed("orders", 0); return at == 210 })
	must(t, stop())
	if refused.Load() == 0 {
		t.Error("nothing was refused: the test tests nothing")
	}
	w.same("orders", 1)
}

// An operator has set the group offset ahead.
func TestGroupOffsetAheadSkipsNothing(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 100)
	w.catchUp(w.config("orders"))
	w.produce("orders", 0, 100)
	o := map[string]map[int32]kgo.EpochOffset{"orders": {0: {Epoch: -1, Offset: 200}}}
	c := w.client(kgo.ConsumerGroup("tidemark"), kgo.DisableAutoCommit())
	var failed error
	c.CommitOffsetsSync(context.Background(), o, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
		failed = err
	})
	must(t, failed)
	c.Close()
	w.catchUp(w.config("orders"))
	w.same("orders", 1)
}

// A panic stops its partition, and is seen; the others go on.
func TestPanicStopsOnePartition(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(2, "orders"))
	w.regions[0].set(func(name string) error {
		if r, err := names.ParseRange(name); err == nil && r.Partition.Number == 0 {
			panic("injected")
		}
		return nil
	})
	var stalled atomic.Value
	stop := w.run(w.archiver(w.config("orders"), func(p *archive.Parts) {
		p.Hooks.Stalled = func(k archive.Key, err error) {
			if err != nil && k.Partition == 0 {
				stalled.Store(err.Error())
			}
		}
	}))
	w.produce("orders", 0, 50)
	w.produce("orders", 1, 50)
	w.eventually("partition 1 goes on", func() bool { return len(w.archived(1, "orders", 1)) == 50 })
	w.eventually("partition 0 is reported", func() bool { s, _ := stalled.Load().(string); return strings.Contains(s, "injected") })
	stop()
}

// The store applies a write and answers with an error.
func TestAnswerLostAfterTheWrite(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 200)
	var lost atomic.Int32
	w.regions[0].after = func(string) error {
		if lost.Add(1)%2 == 1 {
			return errors.New("500 after applying")
		}
		return nil
	}
	w.catchUp(w.config("orders"))
	w.same("orders", 1)
	if a, b := w.regions[0].names(), w.regions[1].names(); strings.Join(a, "\n") != strings.Join(b, "\n") {
		t.Error("regions hold different names")
	}
}
