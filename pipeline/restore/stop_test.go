package restore

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Somebody writes to the target while the restore runs.
func TestForeignWriteInBetween(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 40)}
	p := plan(t, archive, client, request(1000))
	other, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var once atomic.Bool
	opts := options(t)
	opts.Progress = func(pr Progress) {
		if pr.Records > 20 && !once.Swap(true) {
			if err := other.ProduceSync(t.Context(), &kgo.Record{Topic: "restored", Value: []byte("not ours")}).FirstErr(); err != nil {
				t.Error(err)
			}
		}
	}
	var e *ForeignWriteError
	if _, err := Execute(t.Context(), p, archive, client, opts); !errors.As(err, &e) {
		t.Errorf("got %v, want a ForeignWriteError", err)
	}
}

func TestStopsWithTheBrokersReason(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 10)}
	p := plan(t, archive, client, request(1000))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	if _, err := Execute(t.Context(), p, archive, client, options(t)); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("got %v, want the broker's reason", err)
	}
}

func TestStalls(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 10)}
	p := plan(t, archive, client, request(1000))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: -1})
	opts := options(t)
	opts.StallTimeout = 300 * time.Millisecond
	_, err := Execute(t.Context(), p, archive, client, opts)
	if !errors.Is(err, ErrStalled) || !errors.Is(err, kerr.NotLeaderForPartition) {
		t.Errorf("got %v, want ErrStalled with the last answer", err)
	}
}

func TestBrokenArchiveStops(t *testing.T) {
	_, client := cluster(t)
	broken := errors.New("both copies are damaged")
	archive := shelves{orders(0): manyBatches(t, 10)}
	p := plan(t, archive, client, request(1000))
	archive[orders(0)].broken = broken
	if _, err := Execute(t.Context(), p, archive, client, options(t)); !errors.Is(err, broken) {
		t.Errorf("got %v, want the archive's error", err)
	}
}

// A state file without topic ids means that nothing was produced yet, so
// records in the topic are somebody else's.
func TestTopicFilledBeforeTheRestoreOwnsIt(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 10)}
	p, opts := plan(t, archive, client, request(1000)), options(t)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed})
	if _, err := Execute(t.Context(), p, archive, client, opts); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Fatal(err)
	}
	if err := c.CreateTopic("restored", 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "restored", Value: []byte("not ours")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if _, err := Execute(t.Context(), p, archive, client, opts); err == nil || c.PartitionInfo("restored", 0).HighWatermark != 1 {
		t.Errorf("a topic with somebody's record was filled: %v", err)
	}
}

// Died between the topic and its id in the state file: the topic is taken for
// ours, for it is empty.
func TestResumeBeforeTheTopicIDsAreKnown(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 10)}
	p, opts := plan(t, archive, client, request(1000)), options(t)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed})
	if _, err := Execute(t.Context(), p, archive, client, opts); err == nil {
		t.Fatal("want the fault")
	}
	if err := c.CreateTopic("restored", 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Execute(t.Context(), p, archive, client, opts); err != nil {
		t.Fatal(err)
	}
	same(t, "taken", read(t, c.ListenAddrs(), "restored", 0), expected(t, archive[orders(0)], 1000))
}

func TestTargetLostOrGainedRecords(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 10)}
	p, opts := plan(t, archive, client, request(1000)), options(t)
	if _, err := Execute(t.Context(), p, archive, client, opts); err != nil {
		t.Fatal(err)
	}
	fewer := shelves{orders(0): {batches: archive[orders(0)].batches[:5]}}
	if _, err := Execute(t.Context(), p, fewer, client, opts); !errors.Is(err, ErrTargetAhead) {
		t.Errorf("got %v, want ErrTargetAhead", err)
	}
	if err := c.DeleteRecords("restored", 0, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := Execute(t.Context(), p, archive, client, opts); err == nil {
		t.Error("deleted records went unnoticed")
	}
}

// A copy that lacks a record, read in place of one that has it, would shift
// everything behind it.
func TestArchiveChangedBetweenRuns(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 40)}
	p, opts := plan(t, archive, client, request(1000)), options(t)
	if err := dieAfter(t, c, p, archive, opts, 20); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s := archive[orders(0)]
	s.batches = append(s.batches[:3:3], s.batches[4:]...)
	if _, err := Execute(t.Context(), p, archive, dial(t, c), opts); !errors.Is(err, ErrArchiveChanged) {
		t.Errorf("got %v, want ErrArchiveChanged", err)
	}
}

// The topic was empty when the plan was made, and is not when it is executed.
func TestTargetFilledSinceThePlan(t *testing.T) {
	c, client := cluster(t, kfake.SeedTopics(1, "restored"))
	archive := shelves{orders(0): manyBatches(t, 10)}
	r := request(1000)
	r.AllowDifferences = true
	p := plan(t, archive, client, r)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "restored", Value: []byte("not ours")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if _, err := Execute(t.Context(), p, archive, client, options(t)); err == nil || c.PartitionInfo("restored", 0).HighWatermark != 1 {
		t.Errorf("a topic with somebody's record was filled: %v", err)
	}
}

// A broker that calls the batch a duplicate has it; one that does not have it
// is found out at the end.
func TestDuplicateIsSuccess(t *testing.T) {
	answer := kmsg.NewProduceResponseTopicPartition()
	answer.ErrorCode, answer.BaseOffset = kerr.DuplicateSequenceNumber.Code, 7
	if r := judge(answer); r.err != nil || r.base != -1 {
		t.Errorf("judged %+v, want a success at an unknown offset", r)
	}
	c, client := cluster(t)
	archive := shelves{orders(0): {batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 1))}}}
	p, opts := plan(t, archive, client, request(1)), options(t)
	opts.StallTimeout = 300 * time.Millisecond
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.DuplicateSequenceNumber})
	if _, err := Execute(t.Context(), p, archive, client, opts); !errors.Is(err, ErrStalled) {
		t.Errorf("got %v for a batch that never arrived, want ErrStalled", err)
	}
}

func TestAnotherCluster(t *testing.T) {
	_, client := cluster(t)
	_, other := cluster(t, kfake.ClusterID("another"))
	archive := shelves{orders(0): manyBatches(t, 3)}
	p := plan(t, archive, client, request(1000))
	if _, err := Execute(t.Context(), p, archive, other, options(t)); err == nil {
		t.Error("a plan was executed on a cluster that it was not made for")
	}
	if _, err := Execute(t.Context(), p, archive, client, Options{}); err == nil {
		t.Error("a restore without a state file was begun")
	}
}
