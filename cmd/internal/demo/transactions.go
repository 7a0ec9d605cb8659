package demo

import (
	"bytes"
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/events"
)

const (
	// sellers run transactions side by side, so that transactions overlap each
	// other and the plain batches.
	sellers = 2
	// minSale and maxSale bound the records of one transaction, which spread
	// over all topics.
	minSale, maxSale = 20, 400
	// transactions are at least so many, however short the load is.
	transactions = 40
	// abortOneIn is how many transactions there are to one that is aborted.
	abortOneIn = 6
)

// sale is a transaction: its records, and how it will end.
type sale struct {
	items   []item
	outcome events.Outcome
}

// item is a record of a transaction.
type item struct {
	record *kgo.Record
	entry  events.Entry
	sample bool
}

// makeSale makes the records of one transaction and hands them to whichever
// seller is free.
func (l *load) makeSale(ctx context.Context, from, n int) error {
	s := sale{outcome: events.Committed}
	if l.made++; l.made%abortOneIn == 0 {
		s.outcome = events.Aborted
	}
	for i := from; i < from+n; i++ {
		e, at, err := l.next(ctx, i)
		if err != nil {
			return err
		}
		s.items = append(s.items, item{record: record(e, at), entry: l.entry(e), sample: l.sample.is(e)})
	}
	select {
	case l.sales <- s:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// record copies an event into memory of its own.
func record(e events.Event, at events.Place) *kgo.Record {
	r := &kgo.Record{
		Topic: at.Topic, Partition: at.Partition, Key: bytes.Clone(e.Key), Value: bytes.Clone(e.Value), Timestamp: milli(e.Timestamp),
	}
	for _, h := range e.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(h.Key), Value: bytes.Clone(h.Value)})
	}
	return r
}

// sell is one transactional producer.
func (l *load) sell(ctx context.Context, number int) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(l.broker.address),
		kgo.TransactionalID(fmt.Sprintf("shop-%d", number)),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression([]kgo.CompressionCodec{kgo.SnappyCompression(), kgo.ZstdCompression()}[number%2]),
		kgo.WithHooks(written{l}),
	)
	if err != nil {
		return fmt.Errorf("open a transactional producer: %w", err)
	}
	defer client.Close()
	for s := range l.sales {
		if err := l.transact(ctx, client, s); err != nil {
			return fmt.Errorf("run a transaction: %w", err)
		}
	}
	return nil
}

func (l *load) transact(ctx context.Context, client *kgo.Client, s sale) error {
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	records := make([]*kgo.Record, len(s.items))
	for i := range s.items {
		records[i] = s.items[i].record
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	if err := client.EndTransaction(ctx, kgo.TransactionEndTry(s.outcome == events.Committed)); err != nil {
		return err
	}
	for _, it := range s.items {
		at := events.Place{Topic: it.record.Topic, Partition: it.record.Partition}
		if err := l.ledger.Note(at, it.record.Offset, s.outcome, it.entry); err != nil {
			return err
		}
		if it.sample && s.outcome == events.Committed {
			l.sample.note(it.record.Offset)
		}
	}
	return nil
}

// written counts the bytes of a franz-go producer.
type written struct{ load *load }

// OnProduceBatchWritten implements kgo.HookProduceBatchWritten.
func (w written) OnProduceBatchWritten(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.ProduceBatchMetrics) {
	w.load.bytes.Add(int64(m.CompressedBytes))
}
