package restore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/deploy/local"
)

// Apache Kafka validates what kfake takes without a word: density, checksums,
// timestamps, sequences, settings.
func TestApacheKafka(t *testing.T) {
	local.Require(t)
	kafka, err := local.StartKafka(t.Context(), t.TempDir(), local.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Kill() })
	seeds := strings.Split(kafka.Bootstrap(), ",")
	t.Run("every kind of batch", func(t *testing.T) { realRoundTrip(t, seeds) })
	t.Run("larger than a default batch", func(t *testing.T) { realLargeBatch(t, seeds) })
	t.Run("killed with requests in flight", func(t *testing.T) { realResume(t, seeds) })
	t.Run("broker killed and restarted", func(t *testing.T) { realRestart(t, kafka, seeds) })
	t.Run("broker's own settings", func(t *testing.T) { realSettings(t, seeds) })
}

func into(topic string, to int64) Request {
	r := request(to)
	r.Topics = map[string]string{"orders": topic}
	return r
}

func dialReal(t *testing.T, seeds []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(seeds...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func realRoundTrip(t *testing.T, seeds []string) {
	client := dialReal(t, seeds)
	for name, to := range map[string]int64{"early": 6, "middle": 1000, "end": 40 * 24 * 3600 * 1000} {
		archive := shelves{orders(0): everyKind(t), orders(1): everyKind(t)}
		if _, err := Execute(t.Context(), plan(t, archive, client, into(name, to)), archive, client, options(t)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for p := range int32(2) {
			same(t, name, read(t, seeds, name, p), expected(t, archive[orders(p)], to))
		}
	}
}

func realLargeBatch(t *testing.T, seeds []string) {
	client := dialReal(t, seeds)
	large := rec(0, 5)
	large.Value = make([]byte, 20<<20)
	s := &shelf{batches: [][]byte{batch(t, recordbatch.Options{}, large), batch(t, recordbatch.Options{}, rec(1, 6))}}
	archive := shelves{orders(0): s}
	if _, err := Execute(t.Context(), plan(t, archive, client, into("large", 6)), archive, client, options(t)); err != nil {
		t.Fatal(err)
	}
	got := read(t, seeds, "large", 0)
	if len(got) != 2 || len(got[0].Value) != 20<<20 {
		t.Errorf("%d records came back", len(got))
	}
}

// killer ends a run in the middle of its nth produce request: written, not yet
// answered.
type killer struct {
	left atomic.Int64
	kill context.CancelFunc
}

func (k *killer) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == int16(kmsg.Produce) && k.left.Add(-1) == 0 {
		k.kill()
	}
}

func realResume(t *testing.T, seeds []string) {
	archive := shelves{orders(0): manyBatches(t, 150), orders(1): manyBatches(t, 90), orders(2): manyBatches(t, 20)}
	p, opts := plan(t, archive, dialReal(t, seeds), into("killed", 1000)), options(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	deaths := 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		k := &killer{kill: cancel}
		k.left.Store(1 + rnd.Int64N(20))
		client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.WithHooks(k))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Execute(ctx, p, archive, client, opts)
		client.Close()
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("after %d deaths: %v", deaths, err)
		}
		deaths++
	}
	if deaths < 3 {
		t.Errorf("only %d runs died", deaths)
	}
	for place, s := range archive {
		same(t, place.String(), read(t, seeds, "killed", place.Number), expected(t, s, 1000))
	}
}

func realRestart(t *testing.T, kafka *local.Kafka, seeds []string) {
	client := dialReal(t, seeds, kgo.Dialer((&net.Dialer{Timeout: time.Second}).DialContext))
	archive := shelves{orders(0): manyBatches(t, 3000)}
	opts := options(t)
	opts.StallTimeout = 2 * time.Minute
	restarted := make(chan error, 1)
	var once atomic.Bool
	opts.Progress = func(p Progress) {
		if p.Records > 300 && !once.Swap(true) {
			go func() { restarted <- errors.Join(kafka.Kill(), kafka.Restart(context.WithoutCancel(t.Context()))) }()
		}
	}
	if _, err := Execute(t.Context(), plan(t, archive, client, into("restarted", 5000)), archive, client, opts); err != nil {
		t.Fatal(err)
	}
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	same(t, "restarted", read(t, seeds, "restarted", 0), expected(t, archive[orders(0)], 5000))
}

// A topic with the broker's defaults is refused: it would delete what comes back.
func realSettings(t *testing.T, seeds []string) {
	client := dialReal(t, seeds)
	archive := shelves{orders(0): everyKind(t)}
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = "defaults", 1, 1
	req.Topics = append(req.Topics, rt)
	if _, err := req.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if _, err := (&target{client: client}).offsets(t.Context(), "defaults", 1, latestOffset); err != nil { // waits until the broker knows it
		t.Fatal(err)
	}
	p := plan(t, archive, client, into("defaults", 1000))
	if text := fmt.Sprint(p.Refused()); !strings.Contains(text, "retention.ms is 604800000") {
		t.Errorf("refusals: %s", text)
	}
	if p := plan(t, archive, client, into("early", 1000)); !slices.Contains(causes(p), CauseTargetUnusable) {
		t.Errorf("a topic with records: %v", causes(p))
	}
}
