package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

const (
	// maxBatchRecords and maxBatchBytes (not compressed) end a batch, the
	// second well below the broker's limit of 1 MiB.
	maxBatchRecords = 900
	maxBatchBytes   = 512 << 10
	// produceTimeout is what the broker is given for one request, in ms.
	produceTimeout = 10_000
)

// codecs of the batches, by turns: what producers out there use, zstd most.
var codecs = [...]recordbatch.Codec{
	recordbatch.CodecZstd, recordbatch.CodecLZ4, recordbatch.CodecZstd, recordbatch.CodecNone, recordbatch.CodecZstd,
	recordbatch.CodecSnappy, recordbatch.CodecZstd, recordbatch.CodecLZ4, recordbatch.CodecZstd, recordbatch.CodecGzip,
}

// lane produces the batches of one partition. While one batch is compressed and
// sent, the next one fills.
type lane struct {
	load *load
	at   events.Place
	full chan *parcel
	free chan *parcel
	// What follows belongs to the goroutine that makes the events.
	filling *parcel
	batches int
}

// parcel is a batch that is being made, and what the ledger will need to know.
type parcel struct {
	builder recordbatch.Builder
	entries []events.Entry
	samples []int64 // records of the sample order, by their place in the batch
	size    int
	limit   int // records
}

func newLane(l *load, at events.Place) *lane {
	n := &lane{load: l, at: at, full: make(chan *parcel), free: make(chan *parcel, 2)}
	n.free <- new(parcel)
	n.free <- new(parcel)
	return n
}

// add appends an event to the batch at hand, and passes the batch on when it is
// full.
func (n *lane) add(ctx context.Context, e events.Event) error {
	if n.filling == nil {
		if err := n.begin(ctx); err != nil {
			return err
		}
	}
	p := n.filling
	if n.load.sample.is(e) {
		p.samples = append(p.samples, int64(len(p.entries)))
	}
	err := p.builder.Append(recordbatch.Record{
		Offset: int64(len(p.entries)), Timestamp: e.Timestamp, Key: e.Key, Value: e.Value, Headers: e.Headers,
	})
	if err != nil {
		return fmt.Errorf("make a batch of %s: %w", n.at, err)
	}
	p.entries = append(p.entries, n.load.entry(e))
	p.size += len(e.Key) + len(e.Value)
	if len(p.entries) >= p.limit || p.size >= maxBatchBytes {
		return n.flush(ctx)
	}
	return nil
}

func (n *lane) begin(ctx context.Context) error {
	select {
	case n.filling = <-n.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	p := n.filling
	p.builder.Reset(recordbatch.Options{LeaderEpoch: -1, Codec: codecs[n.batches%len(codecs)]})
	p.entries, p.samples, p.size = p.entries[:0], p.samples[:0], 0
	p.limit = 1 + n.load.rng.IntN(maxBatchRecords)
	n.batches++
	return nil
}

// flush passes the batch at hand on, if there is one.
func (n *lane) flush(ctx context.Context) error {
	if n.filling == nil {
		return nil
	}
	select {
	case n.full <- n.filling:
		n.filling = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run compresses and sends batches until there are no more.
func (n *lane) run(ctx context.Context) error {
	for p := range n.full {
		if err := n.send(ctx, p); err != nil {
			return fmt.Errorf("produce to %s: %w", n.at, err)
		}
		n.free <- p
	}
	return nil
}

func (n *lane) send(ctx context.Context, p *parcel) error {
	batch, err := p.builder.Finish()
	if err != nil {
		return err
	}
	base, err := n.load.broker.produce(ctx, n.at, batch)
	if err != nil {
		return err
	}
	n.load.bytes.Add(int64(len(batch)))
	for _, i := range p.samples {
		n.load.sample.note(base + i)
	}
	return n.load.ledger.Note(n.at, base, events.Committed, p.entries...)
}

// produce sends one batch as it is and returns the offset it was given.
func (b *broker) produce(ctx context.Context, at events.Place, batch []byte) (int64, error) {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, produceTimeout
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = at.Topic, b.ids[at.Topic]
	part := kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = at.Partition, batch
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, b.client)
	if err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, errors.New("the broker's answer leaves the partition out")
	}
	answer := resp.Topics[0].Partitions[0]
	return answer.BaseOffset, kerr.ErrorForCode(answer.ErrorCode)
}
