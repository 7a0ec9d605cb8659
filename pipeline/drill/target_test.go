package drill

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

func (w *world) target() *Target {
	return &Target{Client: w.dial(), Prefix: "scratch-", StateDir: w.t.TempDir()}
}

// What comes back in scratch topics is compared one by one, and the topics go.
func TestScratchTopics(t *testing.T) {
	w := newWorld(t, 3, "orders", "payments")
	for _, topic := range []string{"orders", "payments"} {
		w.produce(topic, 3, 6)
		for p := range int32(3) {
			w.archive(topic, p, 0, nil)
		}
	}
	before := w.topics()
	o := w.options("orders", "payments")
	o.Share, o.Target = 0.5, w.target()
	r := w.run(o)
	if r.Outcome != OutcomePassed || r.Totals.Target == 0 || r.Totals.Target != r.Totals.Records || r.Totals.Source != r.Totals.Records {
		t.Errorf("%s: %+v, %v", r.Outcome, r.Totals, r.Findings)
	}
	if r.Target.Kind != "kafka" || r.Target.Cluster != "source" || len(r.Target.Topics) != 2 || r.Recovery.FirstMS < 0 {
		t.Errorf("%+v, %+v", r.Target, r.Recovery)
	}
	if after := w.topics(); !slices.Equal(before, after) {
		t.Errorf("topics %v, and afterwards %v", before, after)
	}
	o.Target.Keep = true
	if r := w.run(o); !r.Target.Kept || len(w.topics()) != len(before)+2 {
		t.Errorf("kept: %+v, %v", r.Target, w.topics())
	}
}

// A broker that keeps something else than what it was given is found out.
func TestScratchTopicDiffers(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 4)
	w.archive("orders", 0, 0, nil)
	o := w.options("orders")
	o.Target = w.target()
	w.kafka.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			for i := range topic.Partitions {
				forge(t, topic.Partitions[i].Records)
			}
		}
		return nil, nil, false
	})
	r := w.run(o)
	if r.Outcome != OutcomeFailed || !slices.ContainsFunc(kinds(r), func(k string) bool { return strings.HasPrefix(k, "not-restored [") }) {
		t.Errorf("%s: %v %+v", r.Outcome, kinds(r), r.Findings)
	}
}

// interrupted drills until the first record is back.
func (w *world) interrupted(o Options) error {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	o.Progress = func(p Progress) {
		if p.Records > 0 {
			cancel()
		}
	}
	_, err := Run(ctx, w.Archive(), w.ID, o)
	return err
}

// A drill that is interrupted leaves no topic, and one whose topics cannot be
// deleted names them.
func TestInterrupted(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 40)
	w.archive("orders", 0, 0, nil)
	before := w.topics()
	o := w.options("orders")
	o.Target = w.target()
	if err := w.interrupted(o); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if after := w.topics(); !slices.Equal(before, after) {
		t.Errorf("topics %v, and after the interrupt %v", before, after)
	}
	w.refuse(kmsg.DeleteTopics, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.DeleteTopicsResponse)
		for _, rt := range req.(*kmsg.DeleteTopicsRequest).Topics {
			st := kmsg.NewDeleteTopicsResponseTopic()
			st.Topic, st.ErrorCode = rt.Topic, kerr.TopicAuthorizationFailed.Code
			resp.Topics = append(resp.Topics, st)
		}
		return resp
	})
	if err := w.interrupted(o); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "scratch-") {
		t.Errorf("interrupted, and nothing could be deleted: %v", err)
	}
	if r := w.run(o); len(r.Target.Left) != 1 || !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, r.Target.Left[0]) }) {
		t.Errorf("left %v, notes %v", r.Target.Left, r.Notes)
	}
}

// A scratch topic that the archiver would archive is refused before anything is
// written.
func TestScratchTopicThatWouldBeArchived(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 2)
	w.archive("orders", 0, 0, nil)
	before := w.topics()
	o := w.options("orders")
	o.Target = w.target()
	o.Target.Archived = func(topic string) bool { return strings.HasPrefix(topic, "scratch-") }
	_, err := Run(t.Context(), w.Archive(), w.ID, o)
	if scratch := (*ScratchError)(nil); !errors.As(err, &scratch) || !slices.Equal(before, w.topics()) {
		t.Errorf("%v, topics %v", err, w.topics())
	}
}

func TestScratchNames(t *testing.T) {
	at := time.Date(2026, 11, 22, 5, 30, 0, 7e6, time.UTC)
	if got := scratchName("p-", at, "orders"); got != "p-20261122t053000.007-orders" {
		t.Error(got)
	}
	long := strings.Repeat("x", 249)
	a, b := scratchName("p-", at, long), scratchName("p-", at, long[:248]+"y")
	if len(a) > 249 || len(b) > 249 || a == b {
		t.Errorf("%s\n%s", a, b)
	}
}

// Records of aborted transactions are in neither, markers of others in both.
func TestTransactions(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 2)
	client := w.dial(kgo.TransactionalID("tx"))
	for i := range 6 {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			if err := client.ProduceSync(t.Context(), odd("orders", 100+10*i+n)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.EndTransaction(t.Context(), kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	aborted := map[int64]bool{}
	for _, b := range w.log("orders", 0, 0) {
		h := edge(t, b)
		if i := (h.BaseOffset - 10) / 4; h.BaseOffset >= 10 && i%2 == 1 {
			aborted[h.BaseOffset] = true
		}
	}
	var kept [][]byte
	for _, b := range w.log("orders", 0, 0) {
		if !aborted[edge(t, b).BaseOffset] {
			kept = append(kept, b)
		}
	}
	w.Store(covertest.Spec{Base: 0, Next: 34, Partition: w.partition("orders", 0), Batches: kept})
	r := w.run(w.options("orders"))
	if r.Outcome != OutcomePassed || r.Totals.Source != 19 || r.Totals.Records != 19 {
		t.Errorf("%s: %+v, %v", r.Outcome, r.Totals, r.Findings)
	}
}
