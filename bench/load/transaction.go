package load

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

const (
	// transactionAge is after how long a transaction is ended: readers of
	// committed records are so far behind.
	transactionAge = 500 * time.Millisecond
	// transactionTimeout is after how long the broker ends it.
	transactionTimeout = time.Minute
	// abortEvery is how many transactions there are to one that is aborted.
	abortEvery = 10
)

// transactions are those of one worker, one after the other. They use the
// protocol of Kafka before 4.0, which later brokers speak as well: partitions are
// added by hand, and the producer keeps its epoch.
type transactions struct {
	worker  *worker
	id      string
	ended   int
	begun   time.Time
	members map[int32]bool // partitions added
	batches []sent         // acknowledged
}

func newTransactions(w *worker, number int) *transactions {
	id := fmt.Sprintf("bench-%s-%d-%s", w.generator.options.Topic, number, rand.Text()[:8])
	return &transactions{worker: w, id: id, members: map[int32]bool{}}
}

// versions keep a client to the older protocol.
func (*transactions) versions() kgo.Opt {
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.Produce.Int16(), 11)
	v.SetMaxKeyVersion(kmsg.AddPartitionsToTxn.Int16(), 3)
	v.SetMaxKeyVersion(kmsg.EndTxn.Int16(), 4)
	return kgo.MaxVersions(v)
}

// add makes the partitions of a load members of the transaction.
func (x *transactions) add(ctx context.Context, load []item) error {
	rt := kmsg.NewAddPartitionsToTxnRequestTopic()
	rt.Topic = x.worker.topology.topic
	for _, it := range load {
		if !x.members[it.partition] {
			rt.Partitions = append(rt.Partitions, it.partition)
		}
	}
	if len(x.members) == 0 {
		x.begun = time.Now()
	}
	if len(rt.Partitions) == 0 {
		return nil
	}
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = x.id, x.worker.producer, x.worker.epoch
	req.Topics = append(req.Topics, rt)
	err := again(ctx, "add partitions to a transaction", func(ctx context.Context) error {
		resp, err := req.RequestWith(ctx, x.worker.client)
		if err != nil {
			return err
		}
		return added(resp)
	})
	for _, p := range rt.Partitions {
		x.members[p] = true
	}
	return err
}

func added(resp *kmsg.AddPartitionsToTxnResponse) error {
	errs := []error{kerr.ErrorForCode(resp.ErrorCode)}
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			errs = append(errs, kerr.ErrorForCode(rp.ErrorCode))
		}
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, kerr.OperationNotAttempted) {
			return err // the cause of the others
		}
	}
	return errors.Join(errs...)
}

// hold keeps what was acknowledged until it is known whether it counts.
func (x *transactions) hold(batches []sent) {
	x.batches = append(x.batches, batches...)
	x.worker.generator.tally.hold(batches)
}

// old says that it is time to end.
func (x *transactions) old() bool { return len(x.members) > 0 && time.Since(x.begun) >= transactionAge }

// deadline is when the open transaction has to end; without one, long from now.
func (x *transactions) deadline() time.Time {
	if x == nil || len(x.members) == 0 {
		return time.Now().Add(endless)
	}
	return x.begun.Add(transactionAge)
}

// end commits the open transaction, or aborts it when its turn is that, and
// settles its batches.
func (x *transactions) end(ctx context.Context) error {
	if len(x.members) == 0 {
		return nil
	}
	x.ended++
	commit := x.ended%abortEvery != 0
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = x.id, x.worker.producer, x.worker.epoch, commit
	err := again(ctx, "end a transaction", func(ctx context.Context) error {
		resp, err := req.RequestWith(ctx, x.worker.client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return err
	}
	x.worker.settle(x.batches, !commit)
	x.batches = x.batches[:0]
	clear(x.members)
	return nil
}
