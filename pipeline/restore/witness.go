package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// witness reads the last batch of a target partition and proves by it that
// everything there is ours: the batch carries our producer id, and its
// sequence, which counts our records, agrees with its offset, which counts
// everybody's. It returns the batch's last record, nil if the partition is
// empty.
func (x *execution) witness(ctx context.Context, p place, end int64) (*recordbatch.Record, error) {
	if end == 0 {
		return nil, nil
	}
	var last recordbatch.Batch
	err := x.persist(ctx, p, func(ctx context.Context, broker int32) (err error) {
		last, err = x.lastBatch(ctx, p, broker, end)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the last batch of topic %s partition %d: %w", p.topic, p.partition, err)
	}
	h := last.Header
	if !x.ours(h) || h.NextOffset() != end {
		return nil, &ForeignWriteError{Topic: p.topic, Partition: p.partition, Want: end - 1, Got: h.LastOffset()}
	}
	return recordAt(recordbatch.NewDecoder(0), last.Bytes, int(h.Count)-1)
}

// ours reports whether a batch of the target was sent by this restore and lies
// where it belongs.
func (x *execution) ours(h recordbatch.Header) bool {
	return h.ProducerID == x.state.ProducerID && h.ProducerEpoch == x.state.ProducerEpoch && h.BaseSequence == sequence(h.BaseOffset)
}

// inLog reports whether a batch is at its place in the target. What is there
// instead is a [ForeignWriteError].
func (x *execution) inLog(ctx context.Context, broker int32, p place, item loaded) (bool, error) {
	end, err := x.target.end(ctx, broker, p)
	if err != nil || end <= item.base {
		return false, err
	}
	next := item.base + int64(item.count)
	b, err := x.lastBatch(ctx, p, broker, min(next, end))
	if err != nil {
		return false, err
	}
	if h := b.Header; !x.ours(h) || h.BaseOffset != item.base || h.NextOffset() != next {
		return false, &ForeignWriteError{Topic: p.topic, Partition: p.partition, Want: item.base, Got: h.BaseOffset}
	}
	return true, nil
}

// ErrArchiveChanged reports that the archive does not yield the records that an
// earlier run restored, as when only one of two differing copies can be
// reached.
var ErrArchiveChanged = errors.New("the archive yields other records than when the restore began: try again when every region can be reached, or begin anew with an empty target")

// sameAsThere compares the last record in the target with the one that is cut
// at its place now. The state file counts on both being the same record: else
// the restore would go on at the wrong one.
func (l *lane) sameAsThere(c cut) error {
	if l.last == nil {
		return nil
	}
	here, err := recordAt(l.cutter.decoder, c.bytes, int(l.there)-1)
	if err != nil {
		return err
	}
	if here.Timestamp != l.last.Timestamp || !bytes.Equal(here.Key, l.last.Key) || !bytes.Equal(here.Value, l.last.Value) {
		return fmt.Errorf("archived offset %d: %w", c.first+l.there-1, ErrArchiveChanged)
	}
	return nil
}

// recordAt returns a record by its number in the batch, counted from 0.
func recordAt(d *recordbatch.Decoder, batch []byte, n int) (*recordbatch.Record, error) {
	i := 0
	for rec, err := range d.Records(batch) {
		if err != nil {
			return nil, fmt.Errorf("decode batch: %w", err)
		}
		if i == n {
			rec.Key, rec.Value, rec.Headers = bytes.Clone(rec.Key), bytes.Clone(rec.Value), nil
			return &rec, nil
		}
		i++
	}
	return nil, fmt.Errorf("decode batch: it has %d records, not %d", i, n+1)
}

// lastBatch fetches the batch that ends at end. A broker returns at least one
// whole batch, however small the limits.
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
