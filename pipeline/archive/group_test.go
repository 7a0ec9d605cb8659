package archive_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// quickSession is a classic membership whose session is one second.
func quickSession() []kgo.Opt {
	return []kgo.Opt{kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.SessionTimeout(time.Second), kgo.HeartbeatInterval(100 * time.Millisecond)}
}

// Under KIP-848 a second member takes half of the partitions. Only
// those are closed.
func TestPartialRevocationClosesOnlyWhatIsRevoked(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(6, "orders"))
	w.broker.SetGroupConfigs("tidemark", map[string]string{"consumer.heartbeat.interval.ms": "5000"})
	cfg := w.config("orders")
	cfg.Membership = []kgo.Opt{kgo.ServerSideBalancer()}
	cfg.Roll.Age = time.Hour
	var mu sync.Mutex
	closed := map[int32]archive.Reason{}
	given := map[int32]bool{}
	var fetched atomic.Int64
	stopOne := w.run(w.archiver(cfg, func(p *archive.Parts) {
		p.Hooks.Fetched = func(_ archive.Key, _ int, records int64, _ int, _ int64) { fetched.Add(records) }
		p.Hooks.Sealed = func(r names.Range, why archive.Reason, _ uint64, _, _ int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			closed[r.Partition.Number] = why
		}
		p.Hooks.Owned = func(k archive.Key, ours bool) {
			mu.Lock()
			defer mu.Unlock()
			if !ours {
				given[k.Partition] = true
			}
		}
	}))
	for p := range int32(6) {
		w.produce("orders", p, 50)
	}
	w.eventually("everything fetched", func() bool { return fetched.Load() == 300 })
	var second atomic.Int32
	stopTwo := w.run(w.archiver(cfg, func(p *archive.Parts) {
		p.Hooks.Owned = func(archive.Key, bool) { second.Add(1) }
	}))
	w.eventually("the second member has its half", func() bool { return second.Load() == 3 })
	mu.Lock()
	if len(closed) != 3 || !slices.Equal(slices.Sorted(maps.Keys(closed)), slices.Sorted(maps.Keys(given))) {
		t.Errorf("closed %v, given up %v; want the same three", closed, given)
	}
	mu.Unlock()
	must(t, stopOne())
	must(t, stopTwo())
	w.same("orders", 6)
}

// Whatever the group answers to a commit, nothing is lost or stored
// again.
func TestCommitErrorsAreHarmless(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.StaleMemberEpoch, kerr.RequestTimedOut, kerr.NotCoordinator, kerr.RebalanceInProgress} {
		t.Run(refusal.Message, func(t *testing.T) {
			w := newWorld(t, kfake.SeedTopics(1, "orders"))
			h := w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: refusal, Count: 2})
			stop := w.run(w.archiver(w.config("orders")))
			w.produce("orders", 0, 100)
			w.eventually("committed in the end", func() bool { at, _ := w.committed("orders", 0); return h.Hits() == 2 && at == 100 })
			must(t, stop())
			w.same("orders", 1)
			if n := w.recordsOf(w.newest("orders")); n != 100 {
				t.Errorf("%d records stored, want each of 100 once", n)
			}
		})
	}
}

// The group is deleted. The next run goes on at the tail.
func TestDeletedGroupGoesOnAtTheTail(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(2, "orders"))
	w.produce("orders", 0, 100)
	w.catchUp(w.config("orders"))
	_, err := w.admin.DeleteGroup(context.Background(), "tidemark")
	must(t, err)
	w.produce("orders", 0, 50)
	w.catchUp(w.config("orders"))
	w.same("orders", 2)
	if n := w.recordsOf(w.newest("orders")); n != 150 {
		t.Errorf("%d records stored, want each of 150 once", n)
	}
}

// While a fetch is held at the broker, heartbeats and commits go on.
func TestLongPollHoldsNothingUp(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	watch := func(k kmsg.Key) *kfake.FaultHandle {
		return w.broker.Fault(kfake.Fault{Observe: true, Count: -1, Keys: []kmsg.Key{k}})
	}
	fetches, beats, commits := watch(kmsg.Fetch), watch(kmsg.Heartbeat), watch(kmsg.OffsetCommit)
	cfg := w.config("orders")
	cfg.Fetch.MaxWait, cfg.Fetch.MinBytes = 4*time.Second, 1<<20
	w.produce("orders", 0, 50)
	stop := w.run(w.archiver(cfg))
	w.eventually("the first fetch brought something", func() bool { return fetches.Hits() == 2 })
	before := beats.Hits()
	w.eventually("committed, with heartbeats, during the second", func() bool { return commits.Hits() > 0 && beats.Hits() > before+5 })
	if n := fetches.Hits(); n != 2 {
		t.Errorf("%d fetches, want the second to be at the broker still", n)
	}
	must(t, stop())
}

// A topic is deleted for good: that is told, and a stop loses nothing.
func TestTopicDeletedForGoodIsTold(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders", "customers"))
	var s stalls
	stop := w.run(w.archiver(w.config("orders"), s.watch))
	w.produce("orders", 0, 50)
	w.eventually("archived", func() bool { at, _ := w.committed("orders", 0); return at == 50 })
	must(t, w.broker.DeleteTopic("orders"))
	w.eventually("it is told", func() bool { return s.of(0) != nil })
	must(t, stop())
}
