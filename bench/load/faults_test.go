package load

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/bench/report"
)

// refuse answers a produce request for all partitions with an error.
func refuse(req *kmsg.ProduceRequest, err *kerr.Error) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode, rp.BaseOffset = p.Partition, err.Code, -1
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// faulty makes a generator over a broker with a fault.
func faulty(t *testing.T, fault func(n int64, req *kmsg.ProduceRequest) (kmsg.Response, error, bool), opts ...kgo.Opt) (*Generator, *kfake.Cluster) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	must(t, err)
	t.Cleanup(cluster.Close)
	var n atomic.Int64
	cluster.ControlKey(kmsg.Produce.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return fault(n.Add(1), r.(*kmsg.ProduceRequest))
	})
	g, err := New(Options{
		Topic: topic, Client: append(opts, kgo.SeedBrokers(cluster.ListenAddrs()...)), Needles: -1,
		Workload: report.Workload{Codec: "snappy", Partitions: 4, BatchEvents: 20, Events: 8_000, Rate: 8_000},
	})
	must(t, err)
	must(t, g.Create(context.Background(), 1, nil))
	return g, cluster
}

func TestRefusedForNow(t *testing.T) {
	t.Parallel()
	g, cluster := faulty(t, func(n int64, req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		if n%3 == 0 {
			return refuse(req, kerr.NotLeaderForPartition), nil, true
		}
		return nil, nil, false
	})
	r, err := g.Run(context.Background())
	must(t, err)
	if got := len(consume(t, cluster, r.Events)); got != 8_000 || r.Events != 8_000 {
		t.Errorf("%d events produced, %d read, want 8000", r.Events, got)
	}
}

func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	g, _ := faulty(t, func(_ int64, req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		return refuse(req, kerr.TopicAuthorizationFailed), nil, true
	})
	if _, err := g.Run(context.Background()); err == nil {
		t.Error("a refusal is no error")
	}
}

func highWatermarks(c *kfake.Cluster) (sum int64) {
	for p := range int32(4) {
		sum += c.PartitionInfo(topic, p).HighWatermark
	}
	return sum
}

// forgetful is a connection that loses an answer when it is told to, and ends.
type forgetful struct {
	net.Conn
	lose *atomic.Bool
}

func (c forgetful) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.lose.CompareAndSwap(true, false) {
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// A batch whose answer was lost is sent again, and is there once.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	var lose atomic.Bool
	var lost atomic.Int64
	dial := kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, host)
		return forgetful{c, &lose}, err
	})
	g, cluster := faulty(t, func(n int64, _ *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		if n%5 == 0 {
			lose.Store(true)
			lost.Add(1)
		}
		return nil, nil, false
	}, dial)
	r, err := g.Run(context.Background())
	must(t, err)
	if there := highWatermarks(cluster); r.Events != 8_000 || there != 8_000 || g.Ledger().Events() != 8_000 || lost.Load() == 0 {
		t.Errorf("%d events produced, %d in the ledger, %d there, %d answers lost", r.Events, g.Ledger().Events(), there, lost.Load())
	}
}

// A run that is stopped has a ledger of exactly what is there.
func TestStopped(t *testing.T) {
	t.Parallel()
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	g, cluster := faulty(t, func(n int64, _ *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		if n == 10 {
			cancel()
		}
		return nil, nil, false
	})
	r, err := g.Run(stop)
	must(t, err)
	there := highWatermarks(cluster)
	if r.Events == 8_000 || r.Events != there || g.Ledger().Events() != there {
		t.Errorf("%d events produced, %d in the ledger, %d there", r.Events, g.Ledger().Events(), there)
	}
}
