package demo

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

func produced(t *testing.T, n int) (*broker, *load) {
	t.Helper()
	b, err := startBroker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	l := newLoad(b, events.NewLedger(), Options{Events: n, Seed: 1}, time.Now())
	if err := l.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b, l
}

func TestTheLedgerIsWhatAConsumerReads(t *testing.T) {
	const n = 60_000
	b, l := produced(t, n)
	committed, aborted := l.ledger.Count(events.Committed), l.ledger.Count(events.Aborted)
	if committed+aborted != n || aborted == 0 || l.bytes.Load() == 0 {
		t.Errorf("%d committed, %d aborted, %d bytes", committed, aborted, l.bytes.Load())
	}
	shape := make(map[string]int)
	for _, at := range l.ledger.Places() {
		check := l.ledger.CheckByOffset(at)
		err := b.consume(t.Context(), at.Topic, at.Partition, func(r recordbatch.Record) {
			check.Take(r)
			count(shape, r)
		})
		if f := check.Finish(); err != nil || !f.Clean() {
			t.Errorf("%s: %v, %+v", at, err, f)
		}
	}
	for _, what := range []string{"tombstone", "null header", "empty header", "repeated header", "no headers"} {
		if shape[what] == 0 {
			t.Errorf("%s: not once", what)
		}
	}
}

func count(shape map[string]int, r recordbatch.Record) {
	if r.Value == nil {
		shape["tombstone"]++
	}
	if len(r.Headers) == 0 {
		shape["no headers"]++
	}
	for i, h := range r.Headers {
		switch {
		case h.Value == nil:
			shape["null header"]++
		case len(h.Value) == 0:
			shape["empty header"]++
		case slices.ContainsFunc(r.Headers[:i], func(o recordbatch.RecordHeader) bool { return string(o.Key) == string(h.Key) }):
			shape["repeated header"]++
		}
	}
}

func TestTheSampleIsWhereItsRecordsAre(t *testing.T) {
	b, l := produced(t, 400_000)
	var offsets []int64
	for p := range partitions[events.Orders] {
		err := b.consume(t.Context(), events.Orders, p, func(r recordbatch.Record) {
			if string(r.Key) == string(l.sample.key) {
				offsets = append(offsets, r.Offset)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := l.sample.sorted(); !slices.Equal(got, offsets) || len(got) < 2 {
		t.Errorf("noted %v, consumed %v", got, offsets)
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	b, err := startBroker()
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	ctx, cancel := context.WithCancel(t.Context())
	l := newLoad(b, events.NewLedger(), Options{Events: 100_000, Seed: 1}, time.Now())
	l.gate = func(_ context.Context, i int) error {
		if i == 20_000 {
			cancel()
		}
		return nil
	}
	if err := l.run(ctx); err == nil {
		t.Error("no error, and not all was produced")
	}
}
