package restore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
)

// shipment is one batch on its way to a broker.
type shipment struct {
	topic     string
	id        names.TopicID
	partition int32
	batch     []byte
	// answer takes one receipt without blocking.
	answer chan receipt
}

// receipt is what became of a shipment.
type receipt struct {
	// base is the batch's first offset in the target, -1 if the broker did not
	// tell.
	base int64
	err  error
}

// errNoAnswer reports a produce response that leaves a partition out.
var errNoAnswer = errors.New("the broker's answer leaves the partition out")

// sender ships batches of many lanes in few requests. Batches that arrive while
// a broker's requests are out travel together in its next one.
type sender struct {
	client *kgo.Client
	// workers run until ctx ends; the group's owner waits for them.
	ctx     context.Context
	workers *errgroup.Group

	mu    sync.Mutex
	inbox map[int32]chan *shipment // by broker
}

// send ships one batch and waits for its receipt. A lane calls it for one batch
// at a time: that keeps the order.
func (s *sender) send(ctx context.Context, broker int32, sh *shipment) receipt {
	sh.answer = make(chan receipt, 1)
	select {
	case s.to(broker) <- sh:
	case <-ctx.Done():
		return receipt{err: ctx.Err()}
	}
	select {
	case r := <-sh.answer:
		return r
	case <-ctx.Done():
		return receipt{err: ctx.Err()}
	}
}

func (s *sender) to(broker int32) chan<- *shipment {
	s.mu.Lock()
	defer s.mu.Unlock()
	inbox, running := s.inbox[broker]
	if !running {
		inbox = make(chan *shipment)
		s.inbox[broker] = inbox
		for range shippersPerBroker {
			s.workers.Go(func() error {
				s.work(broker, inbox)
				return nil
			})
		}
	}
	return inbox
}

func (s *sender) work(broker int32, inbox <-chan *shipment) {
	for {
		select {
		case <-s.ctx.Done():
			return
		case first := <-inbox:
			s.ship(broker, gather(first, inbox))
		}
	}
}

// gather takes what waits already, up to the size of a request.
func gather(first *shipment, inbox <-chan *shipment) []*shipment {
	load, size := []*shipment{first}, len(first.batch)
	for size < requestBytes && len(load) < requestPartitions {
		select {
		case next := <-inbox:
			load, size = append(load, next), size+len(next.batch)
		default:
			return load
		}
	}
	return load
}

func (s *sender) ship(broker int32, load []*shipment) {
	ctx, cancel := context.WithTimeout(s.ctx, requestTimeout)
	defer cancel()
	resp, err := s.client.Broker(int(broker)).Request(ctx, produceRequest(load))
	if err != nil {
		err = fmt.Errorf("produce to broker %d: %w", broker, err)
		for _, sh := range load {
			sh.answer <- receipt{base: -1, err: err}
		}
		return
	}
	deliver(load, resp.(*kmsg.ProduceResponse))
}

// produceRequest names topics by name and by id: the version that client and
// broker agree on takes one of them (KIP-516).
func produceRequest(load []*shipment) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks = -1
	req.TimeoutMillis = int32(ackTimeout.Milliseconds())
	at := map[string]int{}
	for _, sh := range load {
		i, ok := at[sh.topic]
		if !ok {
			i = len(req.Topics)
			at[sh.topic] = i
			rt := kmsg.NewProduceRequestTopic()
			rt.Topic, rt.TopicID = sh.topic, sh.id
			req.Topics = append(req.Topics, rt)
		}
		rp := kmsg.NewProduceRequestTopicPartition()
		rp.Partition, rp.Records = sh.partition, sh.batch
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, rp)
	}
	return req
}

func deliver(load []*shipment, resp *kmsg.ProduceResponse) {
	for _, sh := range load {
		sh.answer <- sh.find(resp)
	}
}

func (sh *shipment) find(resp *kmsg.ProduceResponse) receipt {
	for _, rt := range resp.Topics {
		if rt.Topic != sh.topic && (rt.Topic != "" || names.TopicID(rt.TopicID) != sh.id) {
			continue
		}
		for _, rp := range rt.Partitions {
			if rp.Partition == sh.partition {
				return judge(rp)
			}
		}
	}
	return receipt{base: -1, err: errNoAnswer}
}

// judge takes a duplicate for a success: the batch is there.
func judge(rp kmsg.ProduceResponseTopicPartition) receipt {
	err := kerr.ErrorForCode(rp.ErrorCode)
	if errors.Is(err, kerr.DuplicateSequenceNumber) {
		return receipt{base: -1}
	}
	if err != nil && rp.ErrorMessage != nil {
		err = fmt.Errorf("%w: %s", err, *rp.ErrorMessage)
	}
	return receipt{base: rp.BaseOffset, err: err}
}
