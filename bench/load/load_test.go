package load

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

const topic = "load"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// produce runs a workload against a broker in this process.
func produce(t *testing.T, o Options, brokers int) (*Generator, Result, *kfake.Cluster) {
	t.Helper()
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	must(t, err)
	t.Cleanup(cluster.Close)
	o.Topic, o.Client = topic, []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
	g, err := New(o)
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(t, g.Create(ctx, 1, nil))
	r, err := g.Run(ctx)
	must(t, err)
	return g, r, cluster
}

// consume reads what a read_committed consumer sees.
func consume(t *testing.T, c *kfake.Cluster, n int64) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	must(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out []*kgo.Record
	for int64(len(out)) < n {
		f := client.PollFetches(ctx)
		must(t, f.Err0())
		out = append(out, f.Records()...)
	}
	return out
}

func TestEveryCodec(t *testing.T) {
	for c := recordbatch.CodecNone; c <= recordbatch.CodecZstd; c++ {
		t.Run(c.String(), func(t *testing.T) {
			started := time.Now().UnixMilli()
			g, r, cluster := produce(t, Options{Workload: report.Workload{Codec: c.String(), Partitions: 7, Events: 9_900}}, 2)
			if r.Events != 10_000 || r.Aborted != 0 || g.Ledger().Events() != r.Events {
				t.Errorf("acknowledged %+v, ledger %d", r, g.Ledger().Events())
			}
			records := consume(t, cluster, r.Events)
			var bytes int64
			for _, rec := range records {
				bytes += int64(len(rec.Key) + len(rec.Value))
				if at := rec.Timestamp.UnixMilli(); at < started-spread || at > time.Now().UnixMilli() {
					t.Fatalf("timestamp %d is not live", at)
				}
			}
			if int64(len(records)) != r.Events || bytes != r.Bytes {
				t.Errorf("read %d events and %d bytes, produced %d and %d", len(records), bytes, r.Events, r.Bytes)
			}
			w := g.Workload()
			if w.EventBytes < 225 || w.EventBytes > 250 {
				t.Errorf("%d bytes an event", w.EventBytes)
			}
			t.Logf("ratio %.2f, %d bytes an event, %.2f wire", w.Ratio, w.EventBytes, float64(r.Wire)/float64(r.Events))
		})
	}
}

func TestTransactions(t *testing.T) {
	w := report.Workload{Codec: "zstd", Partitions: 4, Events: 60_000, Rate: 10_000, BatchEvents: 50, Transactions: true}
	g, r, cluster := produce(t, Options{Workload: w, Needles: 10}, 1)
	if r.Events+r.Aborted != 60_000 || r.Aborted == 0 || r.Events < r.Aborted {
		t.Errorf("acknowledged %+v", r)
	}
	records := consume(t, cluster, r.Events)
	if int64(len(records)) != r.Events {
		t.Errorf("%d events can be read, %d count", len(records), r.Events)
	}
	checkNeedles(t, g.Ledger().Needles, records)
}

// checkNeedles wants every needle to have as many events as the ledger says, in
// the partition it says.
func checkNeedles(t *testing.T, needles []Needle, records []*kgo.Record) {
	t.Helper()
	found := map[string]int{}
	for _, rec := range records {
		found[string(rec.Key)]++
	}
	for _, n := range needles {
		if found[n.Key] != n.Events || n.Events == 0 && len(needles) < 2 {
			t.Errorf("key %s has %d events, the ledger says %d", n.Key, found[n.Key], n.Events)
		}
	}
	for _, rec := range records {
		for _, n := range needles {
			if string(rec.Key) == n.Key && rec.Partition != n.Partition {
				t.Fatalf("key %s is in partition %d, the ledger says %d", n.Key, rec.Partition, n.Partition)
			}
		}
	}
}

func TestPartitioned(t *testing.T) {
	w := report.Workload{Codec: "zstd", Partitions: 12, Events: 50_000, BatchEvents: 25, KeySkew: 1}
	g, r, cluster := produce(t, Options{Workload: w, Partitioned: true, Needles: 40}, 3)
	records := consume(t, cluster, r.Events)
	perPartition := make([]int, 12)
	for _, rec := range records {
		perPartition[rec.Partition]++
		if want := partitionOf(rec.Key, 12); rec.Partition != want {
			t.Fatalf("key %s is in partition %d, murmur2 says %d", rec.Key, rec.Partition, want)
		}
	}
	checkNeedles(t, g.Ledger().Needles, records)
	t.Log(perPartition)
}
