package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// plain is a record as the ledger compares it.
func plain(r *kgo.Record) recordbatch.Record {
	out := recordbatch.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, recordbatch.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return out
}

// note writes a produced record into the ledger.
func note(l *events.Ledger, r *kgo.Record, outcome events.Outcome) error {
	var s events.Summer
	p := plain(r)
	return l.Note(events.Place{Topic: r.Topic, Partition: r.Partition}, r.Offset, outcome, events.Entry{Sum: s.Sum(p), Timestamp: p.Timestamp})
}

// readTopic reads all that a read_committed consumer sees of a topic now, with franz-go's own consumer.
func (w *world) readTopic(t *testing.T, topic string, take func(*kgo.Record)) {
	t.Helper()
	w.readLog(t, topic, func(r *kgo.Record) {
		if !r.Attrs.IsControl() {
			take(r)
		}
	})
}

// readLog is readTopic with the markers of transactions.
func (w *world) readLog(t *testing.T, topic string, take func(*kgo.Record)) {
	t.Helper()
	ends, err := w.admin.ListCommittedOffsets(t.Context(), topic)
	if err != nil || ends.Error() != nil {
		t.Fatalf("list the ends of %s: %v %v", topic, err, ends.Error())
	}
	starts, err := w.admin.ListStartOffsets(t.Context(), topic)
	if err != nil || starts.Error() != nil {
		t.Fatalf("list the starts of %s: %v %v", topic, err, starts.Error())
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	for p, o := range ends[topic] {
		if start, _ := starts.Lookup(topic, p); start.Offset < o.Offset {
			from[p], left[p] = kgo.NewOffset().At(start.Offset), o.Offset
		}
	}
	if err := w.consume(t.Context(), topic, from, left, take); err != nil {
		t.Fatalf("read %s: %v", topic, err)
	}
}

// consume reads until nothing is left. Markers are asked for, since one may be the last thing in a partition.
func (w *world) consume(ctx context.Context, topic string, from map[int32]kgo.Offset, left map[int32]int64, take func(*kgo.Record)) error {
	if len(left) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.seeds()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("partitions with something left: %v: %w", left, ctx.Err())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			take(r)
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return nil
}

// findings are of all the records in one place.
type findings struct{ events.Findings }

func (f findings) String() string {
	return fmt.Sprintf("expected %d, matched %d, lost %d, doubled %d, out of order %d, changed %d, aborted seen %d, unknown %d",
		f.Expected, f.Matched, f.Lost, f.Doubled, f.OutOfOrder, f.Changed, f.AbortedSeen, f.Unknown)
}

// expectClean reports findings, and fails on any.
func expectClean(t *testing.T, where string, f events.Findings) {
	t.Helper()
	t.Logf("%s: %s", where, findings{f})
	if !f.Clean() {
		t.Errorf("%s: %s", where, f.First)
	}
	if f.Expected == 0 {
		t.Errorf("%s: nothing was expected there, so nothing is proven", where)
	}
}

// checkRestored compares a restored topic with what the ledger has of its source up to a moment (ms).
func (w *world) checkRestored(t *testing.T, l *events.Ledger, from, into string, to int64) {
	t.Helper()
	checks := map[int32]*events.OrderCheck{}
	for _, at := range l.Places() {
		if at.Topic == from {
			checks[at.Partition] = l.CheckByOrder(at, to)
		}
	}
	w.readTopic(t, into, func(r *kgo.Record) {
		if checks[r.Partition] == nil {
			checks[r.Partition] = l.CheckByOrder(events.Place{Topic: from, Partition: r.Partition}, to)
		}
		checks[r.Partition].Take(plain(r))
	})
	var all events.Findings
	for _, c := range checks {
		all.Add(c.Finish())
	}
	expectClean(t, "restored "+from+" into "+into, all)
}

// checkKafka proves the ledger itself: what it knows is what Kafka shows.
func (w *world) checkKafka(t *testing.T, l *events.Ledger, topic string) {
	t.Helper()
	checks := map[int32]*events.Check{}
	for _, at := range l.Places() {
		if at.Topic == topic {
			checks[at.Partition] = l.CheckByOffset(at)
		}
	}
	w.readTopic(t, topic, func(r *kgo.Record) { checks[r.Partition].Take(plain(r)) })
	var all events.Findings
	for _, c := range checks {
		all.Add(c.Finish())
	}
	expectClean(t, "the ledger of "+topic+" and Kafka", all)
}
