package e2e

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/tidemark-io/tidemark/deploy/local"
)

// testBrokers: of three brokers one after the other dies and comes back while producers write and two members archive:
// leaders, the group's coordinator and connections move.
func testBrokers(t *testing.T, shared *world) {
	kafka, err := local.StartKafka(t.Context(), t.TempDir(), local.KafkaOptions{Brokers: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Kill() })
	w := &world{kafka: kafka, stores: shared.stores, program: shared.program, seed: shared.seed, replicas: 3}
	w.client = w.dial(t)
	w.admin = kadm.NewClient(w.client)
	l := w.newLoad(t, "moving.", 3)
	a := w.newArchive(t, "moving", `~moving\..*`)
	l.start(t, 500, idempotent, transactional)
	members := []*process{a.member(t, "one"), a.member(t, "two")}
	until(t, 60*time.Second, "segments are stored", func() bool { return len(a.segments(t, 0)) > 10 })
	for i, node := range kafka.Nodes {
		if err := node.Kill(); err != nil {
			t.Fatal(err)
		}
		died, had := time.Now(), len(a.segments(t, 0))
		until(t, 60*time.Second, "archiving goes on without a broker", func() bool { return len(a.segments(t, 0)) > had+10 })
		alone := time.Since(died)
		if err := node.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, 60*time.Second, "the broker is in sync again", func() bool { return w.inSync(t, l.topics()) })
		t.Logf("broker %d was killed, archiving went on after %.1f s, all replicas were back after %.1f s", i+1, alone.Seconds(), time.Since(died).Seconds())
	}
	l.stop(t)
	for _, p := range members {
		if !p.running() {
			t.Errorf("a member ended with %d\n%s", p.code, p.tail())
		}
		p.kill()
	}
	a.expectWhole(t, l)
}

// inSync is true when every partition has all its replicas.
func (w *world) inSync(t *testing.T, topics []string) bool {
	t.Helper()
	all, err := w.admin.ListTopics(t.Context(), topics...)
	if err != nil {
		return false
	}
	whole := true
	all.EachPartition(func(p kadm.PartitionDetail) { whole = whole && p.Err == nil && len(p.ISR) == int(w.replicas) })
	return whole
}
