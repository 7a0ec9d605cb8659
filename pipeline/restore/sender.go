package restore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
)

// shipment is one batch on its way to a broker.
type shipment struct {
	place place
	id    names.TopicID
	batch []byte
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

// sender ships batches of many lanes in few requests: one office for each line
// to a broker.
type sender struct {
	lines lines
	// workers run until ctx ends; the group's owner waits for them.
	ctx     context.Context
	workers *errgroup.Group

	mu      sync.Mutex
	offices map[route]*office
}

// route is a line to a broker.
type route struct {
	broker int32
	line   int
}

// post hands a batch over; its answer comes later. Batches of one partition
// that are posted to one broker reach it in the order in which they were posted,
// each in a request of its own.
func (s *sender) post(broker int32, sh *shipment) {
	s.to(route{broker, s.lines.of(sh.place)}).post(sh)
}

// send posts one batch and waits for its receipt.
func (s *sender) send(ctx context.Context, broker int32, sh *shipment) receipt {
	s.post(broker, sh)
	select {
	case r := <-sh.answer:
		return r
	case <-ctx.Done():
		return receipt{base: -1, err: ctx.Err()}
	}
}

func (s *sender) to(r route) *office {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, open := s.offices[r]
	if !open {
		o = newOffice(s.produce(r), requestBytes)
		s.offices[r] = o
		s.workers.Go(func() error {
			o.run(s.ctx)
			return nil
		})
	}
	return o
}

// produce returns what sends a load along a route: it blocks until the answers
// are given, and calls taken when the load's place among the requests on the
// broker's connection is fixed.
func (s *sender) produce(r route) func(load []*shipment, taken func()) {
	return func(load []*shipment, taken func()) {
		ctx, cancel := context.WithTimeout(s.ctx, requestTimeout)
		defer cancel()
		client := s.lines[r.line]
		resp, err := client.Broker(int(r.broker)).Request(ctx, inTurn{produceRequest(load), taken})
		if err != nil {
			err = fmt.Errorf("produce to broker %d: %w", r.broker, err)
			for _, sh := range load {
				sh.answer <- receipt{base: -1, err: err}
			}
			_ = learnBrokers(ctx, client) // perhaps it has moved; if this fails, the next request does
			return
		}
		deliver(load, resp.(*kmsg.ProduceResponse))
	}
}

// inTurn is a produce request that tells when it is written. The client writes
// to a connection from one goroutine, and asks a request for its bytes there:
// what is requested after that is written after it. Without that, two requests
// may overtake one another on their way to that goroutine.
type inTurn struct {
	*kmsg.ProduceRequest
	taken func()
}

// AppendTo implements kmsg.Request. It may be called twice, when nothing of the
// request could be written to a connection that was closed.
func (r inTurn) AppendTo(dst []byte) []byte {
	r.taken()
	return r.ProduceRequest.AppendTo(dst)
}

// produceRequest names topics by name and by id: the version that client and
// broker agree on takes one of them (KIP-516).
func produceRequest(load []*shipment) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks = -1
	req.TimeoutMillis = int32(ackTimeout.Milliseconds())
	at := map[string]int{}
	for _, sh := range load {
		i, ok := at[sh.place.topic]
		if !ok {
			i = len(req.Topics)
			at[sh.place.topic] = i
			rt := kmsg.NewProduceRequestTopic()
			rt.Topic, rt.TopicID = sh.place.topic, sh.id
			req.Topics = append(req.Topics, rt)
		}
		rp := kmsg.NewProduceRequestTopicPartition()
		rp.Partition, rp.Records = sh.place.partition, sh.batch
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, rp)
	}
	return req
}

// deliver gives every shipment its part of the response.
func deliver(load []*shipment, resp *kmsg.ProduceResponse) {
	byID := make(map[names.TopicID]string, 1)
	for _, sh := range load {
		byID[sh.id] = sh.place.topic
	}
	found := make(map[place]receipt, len(load))
	for _, rt := range resp.Topics {
		topic := rt.Topic
		if topic == "" {
			topic = byID[rt.TopicID]
		}
		for _, rp := range rt.Partitions {
			found[place{topic, rp.Partition}] = judge(rp)
		}
	}
	for _, sh := range load {
		r, ok := found[sh.place]
		if !ok {
			r = receipt{base: -1, err: errNoAnswer}
		}
		sh.answer <- r
	}
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
