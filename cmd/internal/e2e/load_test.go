package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/events"
)

// load is what producers do to the topics of one test, and the ledger of it.
type load struct {
	w          *world
	prefix     string // before the generator's topic names
	partitions int32
	ledger     *events.Ledger
	newest     atomic.Int64 // highest timestamp (ms)
	// odd has some records stamped far away from now: see oddTime.
	odd bool

	wg     sync.WaitGroup
	cancel context.CancelFunc
	starts int // of producers: each has events of its own
	mu     sync.Mutex
	err    error
	// transfers are the committed transactions.
	transfers []transfer
}

// newLoad makes the topics.
func (w *world) newLoad(t *testing.T, prefix string, partitions int32) *load {
	t.Helper()
	l := &load{w: w, prefix: prefix, partitions: partitions, ledger: events.NewLedger()}
	for _, topic := range l.topics() {
		w.makeTopic(t, topic, partitions, nil)
	}
	return l
}

func (l *load) topics() []string {
	var all []string
	for _, topic := range events.Topics() {
		all = append(all, l.prefix+topic)
	}
	return all
}

// source makes the records of one producer.
type source struct {
	l   *load
	gen *events.Generator
	rnd *rand.Rand
}

func (l *load) source(stream uint64) *source {
	return &source{l, events.New(l.w.seed^stream, events.Options{Customers: 500, OpenOrders: 500, Node: int64(stream)}), l.w.random(stream)}
}

// next is a record with bytes of its own, for a partition by chance.
func (s *source) next() *kgo.Record {
	e := s.gen.Next(time.Now().UnixMilli())
	r := &kgo.Record{Topic: s.l.prefix + e.Topic, Partition: s.rnd.Int32N(s.l.partitions),
		Key: slices.Clone(e.Key), Value: slices.Clone(e.Value), Timestamp: time.UnixMilli(e.Timestamp)}
	if s.l.odd {
		r.Timestamp = s.oddTime(r.Timestamp)
	}
	for _, h := range e.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(h.Key), Value: slices.Clone(h.Value)})
	}
	for at := s.l.newest.Load(); e.Timestamp > at && !s.l.newest.CompareAndSwap(at, e.Timestamp); at = s.l.newest.Load() {
	}
	return r
}

// The sorts of producers, each with another compression.
const (
	idempotent    = "idempotent"
	transactional = "transactional"
	// unsafe producers repeat what a broker that died had taken: only where brokers stay up does the ledger know all they wrote.
	unsafe = "plain"
)

var producerOptions = map[string][]kgo.Opt{
	idempotent:    {kgo.ProducerBatchCompression(kgo.ZstdCompression())},
	unsafe:        {kgo.DisableIdempotentWrite(), kgo.ProducerBatchCompression(kgo.NoCompression())},
	transactional: {kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.SnappyCompression())},
}

// start lets one producer of each kind write this many records a second until stop; no kind means all.
func (l *load) start(t *testing.T, perSecond int, kinds ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l.cancel = cancel
	t.Cleanup(cancel)
	if len(kinds) == 0 {
		kinds = []string{idempotent, unsafe, transactional}
	}
	for i, kind := range kinds {
		opts := append(slices.Clone(producerOptions[kind]), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond))
		produce := l.stream
		if kind == transactional {
			// The end of a transaction must not be left open when its coordinator dies: the ledger has to know it.
			opts = append(opts, kgo.TransactionalID(fmt.Sprintf("%s%s-%d", l.prefix, kind, i)), kgo.TransactionTimeout(time.Minute),
				kgo.RequestRetries(500), kgo.RetryTimeout(2*time.Minute))
			produce = l.transactions
		}
		l.starts++
		client, from := l.w.dial(t, opts...), l.source(uint64(l.starts))
		l.wg.Go(func() { l.fail(produce(ctx, client, from, perSecond)) })
	}
}

// stop ends the producers; everything that they wrote is in the ledger then.
func (l *load) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	l.wg.Wait()
	if l.err != nil {
		t.Fatalf("produce: %v", l.err)
	}
	t.Logf("produced %d committed and %d aborted records", l.ledger.Count(events.Committed), l.ledger.Count(events.Aborted))
}

// await returns when so many committed records are in the ledger, and an aborted one.
func (l *load) await(t *testing.T, committed int64) {
	t.Helper()
	until(t, time.Minute, "enough is produced", func() bool {
		return l.ledger.Count(events.Committed) >= committed && l.ledger.Count(events.Aborted) > 0
	})
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(l.err, err)
}

// burst is how often a producer wakes up in a second.
const burst = 20

// stream produces without transactions.
func (l *load) stream(ctx context.Context, client *kgo.Client, from *source, perSecond int) error {
	tick := time.NewTicker(time.Second / burst)
	defer tick.Stop()
	for ctx.Err() == nil {
		for range perSecond / burst {
			client.Produce(context.WithoutCancel(ctx), from.next(), func(r *kgo.Record, err error) {
				if err == nil {
					err = note(l.ledger, r, events.Committed)
				}
				l.fail(err)
			})
		}
		wait(ctx, tick)
	}
	return client.Flush(context.WithoutCancel(ctx))
}

// transactions produces in transactions of several partitions; two in five are aborted.
func (l *load) transactions(ctx context.Context, client *kgo.Client, from *source, perSecond int) error {
	tick := time.NewTicker(time.Second / burst)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := l.transaction(context.WithoutCancel(ctx), client, from, 1+from.rnd.IntN(2*perSecond/burst), tick); err != nil {
			return err
		}
		wait(ctx, tick)
	}
	return nil
}

func (l *load) transaction(ctx context.Context, client *kgo.Client, from *source, n int, tick *time.Ticker) error {
	if err := client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	var written []*kgo.Record
	for half := range 2 {
		for range (n + half) / 2 {
			written = append(written, from.next())
		}
		if err := client.ProduceSync(ctx, written[len(written)-(n+half)/2:]...).FirstErr(); err != nil {
			return fmt.Errorf("produce in a transaction: %w", err)
		}
		wait(ctx, tick) // others write in between
	}
	end, outcome := kgo.TryCommit, events.Committed
	if from.rnd.IntN(5) < 2 {
		end, outcome = kgo.TryAbort, events.Aborted
	}
	if err := client.EndTransaction(ctx, end); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	for _, r := range written {
		if err := note(l.ledger, r, outcome); err != nil {
			return err
		}
	}
	if outcome == events.Committed {
		l.transferred(written)
	}
	return nil
}

func wait(ctx context.Context, tick *time.Ticker) {
	select {
	case <-tick.C:
	case <-ctx.Done():
	}
}

// produce writes numbered records to a partition, one batch each, and returns the time after the last.
func (w *world) produce(t *testing.T, topic string, from, to int) time.Time {
	t.Helper()
	client := w.dial(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := from; i < to; i++ {
		r := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%10), Value: fmt.Appendf(nil, "%s %d", topic, i)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return time.Now()
}
