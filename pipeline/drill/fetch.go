package drill

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// kafkaRecord is a record as Kafka gave it. franz-go makes nanoseconds of its
// timestamp, which wrap around in the year 2262; ms is what the record says.
type kafkaRecord struct {
	*kgo.Record
	ms int64
}

// reader reads one partition of a cluster as a read_committed consumer would,
// with franz-go's decoder. It holds one answer at a time. One goroutine owns it.
type reader struct {
	client *kgo.Client
	at     place
	limit  limiter
	unpack kgo.Decompressor
	times  *recordbatch.Decoder

	id     [16]byte
	leader int32
	// start is where the log begins, as the last answer said.
	start int64
}

func newReader(client *kgo.Client, at place, limit limiter) *reader {
	return &reader{client: client, at: at, limit: limit, unpack: kgo.DefaultDecompressor(), times: recordbatch.NewDecoder(0), leader: -1}
}

// records yields the records of the offsets [from, to), in order. Offsets that
// the log does not have any more are passed over: start tells from where on it
// does. Every record outlives the next one.
func (r *reader) records(ctx context.Context, from, to int64) iter.Seq2[kafkaRecord, error] {
	return func(yield func(kafkaRecord, error) bool) {
		empty := 0
		for next := from; next < to && empty < emptyFetches; {
			answer, err := r.persist(ctx, next)
			if err != nil {
				yield(kafkaRecord{}, fmt.Errorf("read %s from offset %d on: %w", r.at, next, err))
				return
			}
			for _, rec := range answer.records {
				if rec.Offset >= from && rec.Offset < to && !yield(rec, nil) {
					return
				}
			}
			empty++
			if answer.next > next {
				next, empty = answer.next, 0
			}
		}
	}
}

// answer is what one fetch brought.
type answer struct {
	records []kafkaRecord
	// next is where to go on.
	next int64
}

// persist fetches until there is an answer, or none for too long.
func (r *reader) persist(ctx context.Context, next int64) (answer, error) {
	begun := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		got, err := r.try(ctx, next)
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		if !mends(err) || time.Since(begun) > stall {
			return answer{}, err
		}
		r.leader = -1
		if err := wait(ctx, pause); err != nil {
			return answer{}, err
		}
	}
}

// mends tells errors that pass from those that stay: leaders move, connections
// are cut.
func mends(err error) bool {
	var broker *kerr.Error
	if errors.As(err, &broker) {
		return broker.Retriable
	}
	return !errors.Is(err, errUnreadable)
}

var errUnreadable = errors.New("what the broker sent cannot be read")

func (r *reader) try(ctx context.Context, next int64) (answer, error) {
	if r.leader < 0 {
		if err := r.find(ctx); err != nil {
			return answer{}, err
		}
	}
	part, err := r.fetch(ctx, next)
	if errors.Is(err, kerr.OffsetOutOfRange) {
		return r.begin(ctx, next, err)
	}
	if err != nil {
		return answer{}, err
	}
	r.start = max(r.start, part.LogStartOffset)
	if err := r.limit.spend(ctx, len(part.RecordBatches)); err != nil {
		return answer{}, err
	}
	o := kgo.ProcessFetchPartitionOpts{Offset: next, IsolationLevel: kgo.ReadCommitted(), Topic: r.at.topic, Partition: r.at.partition}
	fetched, after := kgo.ProcessFetchPartition(o, part, r.unpack, nil)
	if fetched.Err != nil && len(fetched.Records) == 0 {
		return answer{}, fmt.Errorf("offset %d: %w: %w", after, fetched.Err, errUnreadable)
	}
	records, err := r.timed(fetched.Records, part.RecordBatches)
	return answer{records, after}, err
}

// timed adds the timestamps that stand in the batches.
func (r *reader) timed(records []*kgo.Record, batches []byte) ([]kafkaRecord, error) {
	out := make([]kafkaRecord, 0, len(records))
	for batch, err := range recordbatch.All(batches) {
		if errors.Is(err, recordbatch.ErrPartial) || len(out) == len(records) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, errUnreadable)
		}
		for rec, err := range r.times.Records(batch.Bytes) {
			if err != nil {
				return nil, fmt.Errorf("%w: %w", err, errUnreadable)
			}
			if i := len(out); i < len(records) && records[i].Offset == rec.Offset {
				out = append(out, kafkaRecord{records[i], rec.Timestamp})
			}
		}
	}
	if len(out) < len(records) {
		return nil, fmt.Errorf("the batches hold %d of %d records: %w", len(out), len(records), errUnreadable)
	}
	return out, nil
}

// find asks who leads the partition.
func (r *reader) find(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(r.at.topic)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return fmt.Errorf("ask for the leader: %w", err)
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("ask for the leader: %w", err)
		}
		for _, p := range t.Partitions {
			if p.Partition == r.at.partition && p.Leader >= 0 {
				r.id, r.leader = t.TopicID, p.Leader
				return nil
			}
		}
	}
	return kerr.LeaderNotAvailable
}

func (r *reader) fetch(ctx context.Context, next int64) (*kmsg.FetchResponseTopicPartition, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = int32(fetchWait.Milliseconds()), 1, fetchBytes
	req.IsolationLevel, req.SessionEpoch = 1, -1 // read_committed, no session
	rt, rp := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	rt.Topic, rt.TopicID = r.at.topic, r.id
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = r.at.partition, next, fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	got, err := r.client.Broker(int(r.leader)).Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", r.leader, err)
	}
	resp := got.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", r.leader, err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("fetch from broker %d: %w", r.leader, kerr.UnknownServerError)
	}
	part := &resp.Topics[0].Partitions[0]
	return part, kerr.ErrorForCode(part.ErrorCode)
}

// begin goes on where the log begins now: retention has overtaken us.
func (r *reader) begin(ctx context.Context, next int64, cause error) (answer, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	rt, rp := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	rt.Topic, rp.Partition, rp.Timestamp = r.at.topic, r.at.partition, -2 // the oldest
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return answer{}, fmt.Errorf("ask where the log begins: %w", err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode == 0 && p.Offset > next {
				r.start = max(r.start, p.Offset)
				return answer{next: p.Offset}, nil
			}
		}
	}
	return answer{}, cause
}

// wait sleeps, unless the context ends.
func wait(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
