package demo

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// span is the stretch of time that the events are stamped with, ending now: a
// day of a shop.
const span = 24 * time.Hour

// load produces the events and notes them in the ledger. One goroutine makes
// them, one for each partition builds, sends and notes batches, a few run
// transactions.
type load struct {
	broker *broker
	ledger *events.Ledger
	rng    *rand.Rand
	gen    *events.Generator
	n      int
	from   int64 // ms, of the first event
	lanes  map[events.Place]*lane
	sales  chan sale
	made   int // transactions
	sample *sample
	// gate is asked before each event, with its number: it lets the story
	// happen at certain moments.
	gate func(ctx context.Context, i int) error

	bytes  atomic.Int64 // of batches, as they were sent
	summer events.Summer
}

func newLoad(b *broker, ledger *events.Ledger, opts Options, now time.Time) *load {
	l := &load{
		broker: b,
		ledger: ledger,
		rng:    rand.New(rand.NewPCG(opts.Seed, 1)),
		gen:    events.New(opts.Seed, events.Options{OpenOrders: openOrders(opts.Events)}),
		n:      opts.Events,
		from:   now.Add(-span).UnixMilli(),
		lanes:  make(map[events.Place]*lane),
		sales:  make(chan sale),
		sample: new(sample),
	}
	for topic, n := range partitions {
		for p := range n {
			at := events.Place{Topic: topic, Partition: p}
			l.lanes[at] = newLane(l, at)
		}
	}
	return l
}

// openOrders lets an order live for about a tenth of the load, however short
// that is.
func openOrders(n int) int { return max(n/50, 20) }

// moment is when an event happens, in ms.
func (l *load) moment(i int) int64 { return l.from + span.Milliseconds()*int64(i)/int64(l.n) }

// run produces everything. When it returns nil, the broker has acknowledged all
// and the ledger knows each record.
func (l *load) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, lane := range l.lanes {
		group.Go(func() error { return lane.run(ctx) })
	}
	for i := range sellers {
		group.Go(func() error { return l.sell(ctx, i) })
	}
	group.Go(func() error { return l.generate(ctx) })
	return group.Wait()
}

// generate makes the events and hands them to the lanes and the sellers, a run
// of events at a time.
func (l *load) generate(ctx context.Context) error {
	defer close(l.sales)
	for _, lane := range l.lanes {
		defer close(lane.full)
	}
	plain := min(3_000, l.n/transactions)
	for i := 0; i < l.n; {
		run := min(l.n-i, plain/2+l.rng.IntN(plain))
		if err := l.makePlain(ctx, i, run); err != nil {
			return err
		}
		i += run
		run = min(l.n-i, minSale+l.rng.IntN(maxSale-minSale))
		if err := l.makeSale(ctx, i, run); err != nil {
			return err
		}
		i += run
	}
	return l.flush(ctx)
}

// flush sends the batches that are being filled. Only the goroutine that makes
// the events may call it.
func (l *load) flush(ctx context.Context) error {
	for _, lane := range l.lanes {
		if err := lane.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) makePlain(ctx context.Context, from, n int) error {
	for i := from; i < from+n; i++ {
		e, at, err := l.next(ctx, i)
		if err != nil {
			return err
		}
		if err := l.lanes[at].add(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// next makes an event and chooses its partition, by key.
func (l *load) next(ctx context.Context, i int) (events.Event, events.Place, error) {
	if l.gate != nil {
		if err := l.gate(ctx, i); err != nil {
			return events.Event{}, events.Place{}, err
		}
	}
	if i == l.n/2 {
		l.gen.Snapshot(200) // as an operator does who adds a table
	}
	e := l.gen.Next(l.moment(i))
	if i >= l.n/4 {
		l.sample.consider(e)
	}
	return e, events.Place{Topic: e.Topic, Partition: int32(xxh3.Hash(e.Key) % uint64(partitions[e.Topic]))}, nil
}

func (l *load) entry(e events.Event) events.Entry {
	sum := l.summer.Sum(recordbatch.Record{Timestamp: e.Timestamp, Key: e.Key, Value: e.Value, Headers: e.Headers})
	return events.Entry{Sum: sum, Timestamp: e.Timestamp}
}
