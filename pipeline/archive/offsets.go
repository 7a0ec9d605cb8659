package archive

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
)

// offsets asks brokers where a partition's log begins and ends.
type offsets struct {
	client *kgo.Client
	// leader tells who leads a partition, and that nobody may know.
	leader func(Key) (names.TopicID, leader, error)
}

// The special timestamps of ListOffsets.
const (
	atEnd   = -1
	atStart = -2
)

// start returns the first offset that the log still holds.
func (o *offsets) start(ctx context.Context, k Key) (int64, error) {
	return o.ask(ctx, k, atStart, 0)
}

// end returns the high watermark.
func (o *offsets) end(ctx context.Context, k Key) (int64, error) {
	return o.ask(ctx, k, atEnd, 0)
}

// stable returns the last stable offset: where committed data ends.
func (o *offsets) stable(ctx context.Context, k Key) (int64, error) {
	return o.ask(ctx, k, atEnd, readCommitted)
}

func (o *offsets) ask(ctx context.Context, k Key, at int64, isolation int8) (int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = k.Topic
	rp := kmsg.NewListOffsetsRequestTopicPartition()
	rp.Partition, rp.Timestamp = k.Partition, at
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := o.request(ctx, k, req)
	if err != nil {
		return 0, fmt.Errorf("list offsets of %s/%d: %w", k.Topic, k.Partition, err)
	}
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if rt.Topic == k.Topic && rp.Partition == k.Partition {
				return rp.Offset, kerr.ErrorForCode(rp.ErrorCode)
			}
		}
	}
	return 0, fmt.Errorf("list offsets of %s/%d: the answer does not mention it", k.Topic, k.Partition)
}

// request goes straight to the leader where it is known. The client would find
// it, too, but looks through all partitions of the topic for one: the start of
// ten thousand would cost a hundred million steps. It is asked where the leader
// does not answer, or is none any more.
func (o *offsets) request(ctx context.Context, k Key, req *kmsg.ListOffsetsRequest) (*kmsg.ListOffsetsResponse, error) {
	if resp := o.fromLeader(ctx, k, req); resp != nil {
		return resp, nil
	}
	return req.RequestWith(ctx, o.client)
}

func (o *offsets) fromLeader(ctx context.Context, k Key, req *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	_, l, err := o.leader(k)
	if err != nil || l.broker < 0 {
		return nil
	}
	answer, err := o.client.Broker(int(l.broker)).Request(ctx, req)
	if err != nil {
		return nil
	}
	resp := answer.(*kmsg.ListOffsetsResponse)
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if kerr.IsRetriable(kerr.ErrorForCode(rp.ErrorCode)) {
				return nil
			}
		}
	}
	return resp
}

// offsetsWithin bounds the questions that a fetch loop asks for one partition,
// because its others wait meanwhile.
const offsetsWithin = 5 * time.Second

// outOfRange settles an offset that the broker does not have. Retention may
// have overtaken the cursor: those offsets become a gap, and fetching goes on
// at the log's start. Anything else is never a reset: the partition stops.
func (f *fetcher) outOfRange(ctx context.Context, c *cursor, a answer) {
	ctx, cancel := context.WithTimeout(ctx, offsetsWithin)
	defer cancel()
	start, err := f.offsets.start(ctx, c.key)
	if err != nil {
		f.again(c, fmt.Errorf("offset %d is out of range: %w", c.next, err))
		return
	}
	if start <= c.next {
		f.beyondEnd(ctx, c)
		return
	}
	lost := &lostRange{base: c.next, next: min(start, c.spans[0].to), reason: "retention: deleted from Kafka before it was fetched"}
	c.next, c.epoch = lost.next, unknownEpoch
	f.hand(c, chunk{next: lost.next, gap: lost}, a)
}

// beyondEnd stops the partition unless the log has grown to the cursor in the
// meantime: a new leader may briefly know less than the last one.
func (f *fetcher) beyondEnd(ctx context.Context, c *cursor) {
	end, err := f.offsets.end(ctx, c.key)
	if err != nil || end >= c.next {
		f.again(c, kerr.OffsetOutOfRange)
		return
	}
	f.halt(c, &TruncatedError{Key: c.key, At: end, Fetched: c.next})
}
