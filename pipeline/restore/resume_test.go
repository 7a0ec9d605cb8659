package restore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// manyBatches is a log of small batches, every third one with a hole and every
// fifth one straddling the moment 1000.
func manyBatches(t testing.TB, n int) *shelf {
	s := &shelf{}
	offset := int64(0)
	for i := range n {
		var recs []recordbatch.Record
		for j := range int64(1 + i%4) {
			ts := int64(i)
			if i%5 == 0 && j == 1 {
				ts = 5000
			}
			recs = append(recs, rec(offset, ts))
			offset++
			if i%3 == 0 {
				offset++
			}
		}
		s.batches = append(s.batches, batch(t, recordbatch.Options{Codec: recordbatch.Codec(i % 5)}, recs...))
	}
	return s
}

// dieAfter runs a restore whose process "dies" when the broker has seen n
// produce requests; the last one may or may not be answered.
func dieAfter(t *testing.T, c *kfake.Cluster, p *Plan, s Source, opts Options, n int64) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen atomic.Int64
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if seen.Add(1) == n {
			cancel()
		}
		return nil, nil, false
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = Execute(ctx, p, s, client, opts)
	return err
}

func TestResumeAfterDeathAtRandomPoints(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			c, client := cluster(t)
			archive := shelves{orders(0): manyBatches(t, 60), orders(1): manyBatches(t, 35), orders(2): manyBatches(t, 7)}
			p := plan(t, archive, client, request(1000))
			opts := options(t)
			deaths := 0
			for range 100 {
				err := dieAfter(t, c, p, archive, opts, 1+rnd.Int64N(25))
				if err == nil {
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				deaths++
			}
			if deaths == 0 {
				t.Error("no run died: the test proves nothing")
			}
			for place, s := range archive {
				same(t, place.String(), read(t, c.ListenAddrs(), "restored", place.Number), expected(t, s, 1000))
			}
		})
	}
}

// The predecessor's last requests reach the broker after the successor has
// asked for the end offsets.
func TestLateRequestOfThePredecessor(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 20)}
	p, opts := plan(t, archive, client, request(1000)), options(t)
	if err := dieAfter(t, c, p, archive, opts, 5); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var late atomic.Bool
	other := dial(t, c)
	leader := c.LeaderFor("restored", 0)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if late.Swap(true) {
			return nil, nil, false
		}
		// The very bytes of the successor's first batch arrive first, as they
		// would from its predecessor.
		twin := *req.(*kmsg.ProduceRequest)
		done := make(chan struct{})
		c.SleepControl(func() {
			defer close(done)
			if _, err := other.Broker(int(leader)).Request(context.Background(), &twin); err != nil {
				t.Error(err)
			}
		})
		<-done
		return nil, nil, false
	})
	if _, err := Execute(t.Context(), p, archive, client, opts); err != nil {
		t.Fatal(err)
	}
	if !late.Load() {
		t.Fatal("no late request was made")
	}
	same(t, "late", read(t, c.ListenAddrs(), "restored", 0), expected(t, archive[orders(0)], 1000))
}

// Broker faults and moving leaders: nothing twice, order kept.
func TestFaultsWhileProducing(t *testing.T) {
	for name, err := range map[string]*kerr.Error{
		"not leader": kerr.NotLeaderForPartition, "timed out after the append": kerr.RequestTimedOut,
		"too few replicas after the append": kerr.NotEnoughReplicasAfterAppend, "unknown topic id": kerr.UnknownTopicID,
	} {
		t.Run(name, func(t *testing.T) {
			c, client := cluster(t)
			archive := shelves{orders(0): manyBatches(t, 30), orders(1): manyBatches(t, 30)}
			p := plan(t, archive, client, request(1000))
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: 6})
			if _, err := Execute(t.Context(), p, archive, client, options(t)); err != nil {
				t.Fatal(err)
			}
			for place, s := range archive {
				same(t, place.String(), read(t, c.ListenAddrs(), "restored", place.Number), expected(t, s, 1000))
			}
		})
	}
}

func TestConnectionsCutAndLeadersMove(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 60), orders(1): manyBatches(t, 60)}
	p := plan(t, archive, client, request(1000))
	var n atomic.Int64
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		switch n.Add(1) % 7 {
		case 3:
			return nil, errors.New("cut the connection"), true
		case 5:
			c.SleepControl(c.ShufflePartitionLeaders)
		}
		return nil, nil, false
	})
	if _, err := Execute(t.Context(), p, archive, client, options(t)); err != nil {
		t.Fatal(err)
	}
	for place, s := range archive {
		same(t, place.String(), read(t, c.ListenAddrs(), "restored", place.Number), expected(t, s, 1000))
	}
}

// A broker that was started again does not know a producer whose records are
// old: what is in the log tells whether a batch arrived.
func TestABatchThatArrivedIsKnownByTheLog(t *testing.T) {
	_, client := cluster(t)
	s := &shelf{}
	for i := range int64(5) {
		s.batches = append(s.batches, batch(t, recordbatch.Options{}, rec(i, i)))
	}
	p, opts := plan(t, shelves{orders(0): s}, client, request(10)), options(t)
	if _, err := Execute(t.Context(), p, shelves{orders(0): s}, client, opts); err != nil {
		t.Fatal(err)
	}
	x := newExecution(p, shelves{orders(0): s}, client, opts.withDefaults())
	if err := x.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := place{"restored", 0}
	broker, _ := x.leaders.of(at)
	foreign := func(err error) bool { var e *ForeignWriteError; return errors.As(err, &e) }
	if there, err := x.inLog(t.Context(), broker, at, loaded{base: 3, count: 1}); err != nil || !there {
		t.Errorf("a batch that is there: %t, %v", there, err)
	}
	if there, err := x.inLog(t.Context(), broker, at, loaded{base: 5, count: 1}); err != nil || there {
		t.Errorf("a batch that is not there yet: %t, %v", there, err)
	}
	if there, err := x.inLog(t.Context(), broker, at, loaded{base: 3, count: 2}); !foreign(err) || there {
		t.Errorf("another batch at its place: %t, %v", there, err)
	}
	x.state.ProducerID++
	if there, err := x.inLog(t.Context(), broker, at, loaded{base: 3, count: 1}); !foreign(err) || there {
		t.Errorf("somebody else's batch at its place: %t, %v", there, err)
	}
}

// Segments may be rolled up between two runs, and then batches are cut elsewhere.
func TestResumeInsideABatch(t *testing.T) {
	c, client := cluster(t)
	small := &shelf{}
	var all []recordbatch.Record
	for i := range int64(30) {
		all = append(all, rec(i, i))
		small.batches = append(small.batches, batch(t, recordbatch.Options{}, rec(i, i)))
	}
	p, opts := plan(t, shelves{orders(0): small}, client, request(29)), options(t)
	if err := dieAfter(t, c, p, shelves{orders(0): small}, opts, 8); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, false })
	large := &shelf{batches: [][]byte{batch(t, recordbatch.Options{}, all...)}}
	r, err := Execute(t.Context(), p, shelves{orders(0): large}, client, opts)
	if errors.Is(err, kerr.OutOfOrderSequenceNumber) { // the first run's last request arrived meanwhile: run again
		r, err = Execute(t.Context(), p, shelves{orders(0): large}, client, opts)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Partitions[0].Resumed == 0 {
		t.Error("nothing was there from the first run: the test proves nothing")
	}
	same(t, "rolled up", read(t, c.ListenAddrs(), "restored", 0), expected(t, large, 29))
}

func TestExecutedTwice(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): everyKind(t)}
	p, opts := plan(t, archive, client, request(1000)), options(t)
	for range 2 {
		if _, err := Execute(t.Context(), p, archive, client, opts); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "twice", read(t, c.ListenAddrs(), "restored", 0), expected(t, archive[orders(0)], 1000))
}

func TestResumeIsRefused(t *testing.T) {
	archive := shelves{orders(0): manyBatches(t, 10)}
	begun := func(t *testing.T) (*kfake.Cluster, *kgo.Client, *Plan, Options) {
		c, client := cluster(t)
		p, opts := plan(t, archive, client, request(1000)), options(t)
		if err := dieAfter(t, c, p, archive, opts, 4); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return c, client, p, opts
	}
	t.Run("another plan", func(t *testing.T) {
		_, client, _, opts := begun(t)
		other := plan(t, archive, client, Request{To: at(999), Topics: map[string]string{"orders": "elsewhere"}, AllowIncomplete: true})
		if _, err := Execute(t.Context(), other, archive, client, opts); !errors.Is(err, ErrPlanChanged) {
			t.Errorf("got %v, want ErrPlanChanged", err)
		}
		if _, err := Unfinished(opts.StateFile, other.Request); !errors.Is(err, ErrPlanChanged) {
			t.Errorf("got %v, want ErrPlanChanged", err)
		}
	})
	t.Run("a plan that was edited", func(t *testing.T) {
		_, client, p, opts := begun(t)
		p.To++
		if _, err := Execute(t.Context(), p, archive, client, opts); err == nil {
			t.Error("a plan with a wrong digest was executed")
		}
	})
	t.Run("topic made again", func(t *testing.T) {
		c, client, p, opts := begun(t)
		if err := errors.Join(c.DeleteTopic("restored"), c.CreateTopic("restored", 1, nil)); err != nil {
			t.Fatal(err)
		}
		if _, err := Execute(t.Context(), p, archive, client, opts); err == nil || errors.Is(err, ErrStalled) {
			t.Errorf("a new topic was taken for the old one: %v", err)
		}
	})
	t.Run("somebody else wrote", func(t *testing.T) {
		_, client, p, opts := begun(t)
		foreign := &kgo.Record{Topic: "restored", Partition: 0, Value: []byte("not ours")}
		if err := client.ProduceSync(t.Context(), foreign).FirstErr(); err != nil {
			t.Fatal(err)
		}
		var e *ForeignWriteError
		if _, err := Execute(t.Context(), p, archive, client, opts); !errors.As(err, &e) {
			t.Errorf("got %v, want a ForeignWriteError", err)
		}
	})
	t.Run("the same request", func(t *testing.T) {
		_, client, p, opts := begun(t)
		again, err := Unfinished(opts.StateFile, request(1000))
		if err != nil || again == nil || again.Digest != p.Digest {
			t.Fatalf("got %v, %v, want the plan of the first run", again, err)
		}
		if _, err := Execute(t.Context(), again, archive, client, opts); err != nil {
			t.Error(err)
		}
	})
}
