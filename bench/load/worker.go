package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestTimeout is what the broker is given for a request.
const requestTimeout = 30 * time.Second

// worker sends one load at a time, with a connection and a producer id of its
// own. So the batches of a worker in a partition follow each other without
// overlap, and sending one again can neither double nor reorder it.
type worker struct {
	generator *Generator
	topology  *topology
	client    *kgo.Client
	producer  int64
	epoch     int16
	sequences []int32 // by partition, the next one
	slots     []int32 // by partition, its place in the load, while a request is out
	tx        *transactions

	load    []item
	parcels []parcel
	buffer  []byte // the load's batches, one after the other
}

// parcel is a batch on its way.
type parcel struct {
	sent
	batch []byte
}

func newWorker(ctx context.Context, g *Generator, t *topology, number int) (*worker, error) {
	w := &worker{generator: g, topology: t, epoch: -1, producer: -1}
	opts := append([]kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks())}, g.options.Client...)
	if g.options.Workload.Transactions {
		w.tx = newTransactions(w, number)
		opts = append(opts, w.tx.versions())
	}
	var err error
	if w.client, err = kgo.NewClient(opts...); err != nil {
		return nil, err
	}
	w.sequences = make([]int32, g.options.Workload.Partitions)
	w.slots = make([]int32, g.options.Workload.Partitions)
	if err = t.ask(ctx, w.client); err == nil {
		err = w.introduce(ctx)
	}
	if err != nil {
		w.client.Close()
		return nil, err
	}
	return w, nil
}

// introduce gets a producer id.
func (w *worker) introduce(ctx context.Context) error {
	req := kmsg.NewPtrInitProducerIDRequest()
	if w.tx != nil {
		req.TransactionalID = &w.tx.id
		req.TransactionTimeoutMillis = int32(transactionTimeout.Milliseconds())
	}
	return again(ctx, "get a producer id", func(ctx context.Context) error {
		resp, err := req.RequestWith(ctx, w.client)
		if err != nil {
			return err
		}
		w.producer, w.epoch = resp.ProducerID, resp.ProducerEpoch
		return kerr.ErrorForCode(resp.ErrorCode)
	})
}

// run sends loads until there are no more, or ctx is over. What it has taken it
// finishes, since the ledger has to say what became of it.
func (w *worker) run(ctx context.Context) error {
	finish := context.WithoutCancel(ctx)
	for more := true; more; {
		w.load, more = w.generator.schedule.take(ctx, w.tx.deadline(), w.load)
		if len(w.load) > 0 {
			if err := w.ship(finish); err != nil {
				return err
			}
		}
		if w.tx != nil && (!more || w.tx.old()) {
			if err := w.tx.end(finish); err != nil {
				return err
			}
		}
	}
	return nil
}

// ship sends a load and notes what was acknowledged.
func (w *worker) ship(ctx context.Context) error {
	if w.tx != nil {
		if err := w.tx.add(ctx, w.load); err != nil {
			return err
		}
	}
	w.stamp(time.Now())
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pending := w.parcels
	for {
		var err error
		if pending, err = w.send(ctx, pending); len(pending) == 0 {
			return err
		}
		if err != nil && !isTransient(err) {
			return err
		}
		if wait(ctx, pause) != nil {
			return fmt.Errorf("%d batches are still not taken after %s: %w", len(pending), patience, err)
		}
		if err := w.topology.ask(ctx, w.client); err != nil && !isTransient(err) {
			return err
		}
	}
}

// stamp makes the load's batches.
func (w *worker) stamp(now time.Time) {
	w.buffer, w.parcels = w.buffer[:0], w.parcels[:0]
	for _, it := range w.load {
		w.parcels = append(w.parcels, parcel{sent: sent{item: it, at: now}})
		p := &w.parcels[len(w.parcels)-1]
		w.buffer, p.crc = it.template.appendTo(w.buffer, stamp{
			now: now.UnixMilli(), producer: w.producer, epoch: w.epoch,
			sequence: w.sequences[it.partition], transactional: w.tx != nil,
		})
	}
	rest := w.buffer
	for i := range w.parcels {
		n := len(w.parcels[i].template.batch)
		w.parcels[i].batch, rest = rest[:n:n], rest[n:]
	}
}

// send sends parcels to their leaders, and returns those to be sent again with
// the reason. With another error nothing is to be tried again.
func (w *worker) send(ctx context.Context, parcels []parcel) (left []parcel, why error) {
	byLeader := map[int32][]parcel{}
	for _, p := range parcels {
		at := w.topology.leader(p.partition)
		byLeader[at] = append(byLeader[at], p)
	}
	for leader, some := range byLeader {
		rest, err := w.sendTo(ctx, leader, some)
		left = append(left, rest...)
		why = errors.Join(why, err)
	}
	return left, why
}

func (w *worker) sendTo(ctx context.Context, leader int32, parcels []parcel) (left []parcel, err error) {
	resp, err := w.client.Broker(int(leader)).Request(ctx, w.request(parcels))
	if err != nil {
		return parcels, &transientError{err} // it may have arrived or not: sent again, it is the same
	}
	for i, p := range parcels {
		w.slots[p.partition] = int32(i) + 1
	}
	defer func() {
		for _, p := range parcels {
			w.slots[p.partition] = 0
		}
	}()
	done := parcels[:0:0]
	for _, rt := range resp.(*kmsg.ProduceResponse).Topics {
		for _, rp := range rt.Partitions {
			if rp.Partition < 0 || int(rp.Partition) >= len(w.slots) || w.slots[rp.Partition] == 0 {
				return parcels, fmt.Errorf("the broker answers for partition %d, which was not asked about", rp.Partition)
			}
			p := parcels[w.slots[rp.Partition]-1]
			w.slots[rp.Partition] = 0
			if verdict := judge(rp); verdict == nil {
				p.base = rp.BaseOffset
				done = append(done, p)
			} else {
				left, err = append(left, p), errors.Join(err, fmt.Errorf("partition %d: %w", rp.Partition, verdict))
			}
		}
	}
	w.note(done)
	if len(done)+len(left) < len(parcels) {
		return parcels, errors.New("the broker's answer leaves partitions out")
	}
	return left, err
}

// judge is nil if the batch is there and its offset known. That of a batch sent
// twice is known too: a broker remembers the last five of a producer.
func judge(rp kmsg.ProduceResponseTopicPartition) error {
	err := kerr.ErrorForCode(rp.ErrorCode)
	switch {
	case err == nil && rp.BaseOffset < 0:
		return errors.New("a batch was taken without an offset")
	case kerr.IsRetriable(err):
		return &transientError{err}
	}
	return err
}

// request names the topic by name and by id: the version that client and broker
// agree on takes one of them (KIP-516).
func (w *worker) request(parcels []parcel) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, int32(requestTimeout.Milliseconds())
	if w.tx != nil {
		req.TransactionID = &w.tx.id
	}
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = w.topology.topic, w.topology.id
	rt.Partitions = make([]kmsg.ProduceRequestTopicPartition, len(parcels))
	for i, p := range parcels {
		rt.Partitions[i].Partition, rt.Partitions[i].Records = p.partition, p.batch
	}
	req.Topics = append(req.Topics, rt)
	return req
}

// note writes down what was acknowledged, or lets the transaction do so when it
// ends.
func (w *worker) note(parcels []parcel) {
	batches := make([]sent, len(parcels))
	for i, p := range parcels {
		batches[i] = p.sent
		w.sequences[p.partition] = following(w.sequences[p.partition], p.template.events)
	}
	if w.tx != nil {
		w.tx.hold(batches)
		return
	}
	w.settle(batches, false)
}

func (w *worker) settle(batches []sent, aborted bool) {
	for _, b := range batches {
		w.generator.ledger.Note(b.partition, NewBatch(b.base, b.crc, b.template.events, aborted), b.at)
	}
	w.generator.tally.settle(batches, w.tx != nil, aborted)
}

// following is the sequence after n events; Kafka counts from 0 again after the
// highest int32.
func following(sequence, n int32) int32 {
	if sequence > math.MaxInt32-n {
		return n - (math.MaxInt32 - sequence) - 1
	}
	return sequence + n
}
