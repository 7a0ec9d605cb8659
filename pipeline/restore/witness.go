package restore

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// witness reads the last batch of a target partition and proves by it that everything there is ours: the batch carries our
// producer id, and its sequence, which counts our records, agrees with its offset, which counts everybody's.
func (x *execution) witness(ctx context.Context, p place, end int64) error {
	if end == 0 {
		return nil
	}
	var last recordbatch.Batch
	err := x.persist(ctx, p, func(ctx context.Context, broker int32) (err error) {
		last, err = x.lastBatch(ctx, p, broker, end)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the last batch of topic %s partition %d: %w", p.topic, p.partition, err)
	}
	h := last.Header
	if h.ProducerID != x.state.ProducerID || h.ProducerEpoch != x.state.ProducerEpoch ||
		h.BaseSequence != sequence(h.BaseOffset) || h.NextOffset() != end {
		return &ForeignWriteError{Topic: p.topic, Partition: p.partition, Want: end - 1, Got: h.LastOffset()}
	}
	return nil
}

// lastBatch fetches the batch that ends at end. A broker returns at least one whole batch, however small the limits.
func (x *execution) lastBatch(ctx context.Context, p place, broker int32, end int64) (recordbatch.Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := x.target.client.Broker(int(broker)).Request(ctx, x.fetchRequest(p, end-1))
	if err != nil {
		return recordbatch.Batch{}, err
	}
	fetched := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(fetched.ErrorCode); err != nil {
		return recordbatch.Batch{}, err
	}
	for _, rt := range fetched.Topics {
		for _, rp := range rt.Partitions {
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return recordbatch.Batch{}, err
			}
			for b, err := range recordbatch.All(rp.RecordBatches) {
				return b, err
			}
		}
	}
	return recordbatch.Batch{}, errNoAnswer
}

// fetchWait is how long a broker may wait for data. There is some, so it does not.
const fetchWait = 5 * time.Second

func (x *execution) fetchRequest(p place, offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = int32(fetchWait.Milliseconds()), 1, 1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = p.topic, x.state.Topics[p.topic]
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p.partition, offset, 1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}
