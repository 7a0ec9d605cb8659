package floor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// share is what one broker leads of the topic.
type share struct {
	addr  string
	topic string
	parts []*part // in the order in which they are asked for next
	at    map[int32]*part
}

// part is one partition: what to ask for, and where to stop.
type part struct {
	number    int32
	next, end int64
	served    bool // by the last answer
}

// survey asks who leads what, and where it begins and ends.
func survey(ctx context.Context, c Config) ([]*share, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...))
	if err != nil {
		return nil, fmt.Errorf("open client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	meta, err := admin.Metadata(ctx, c.Topic)
	if err != nil {
		return nil, fmt.Errorf("ask for topic %s: %w", c.Topic, err)
	}
	starts, err := admin.ListStartOffsets(ctx, c.Topic)
	if err != nil {
		return nil, fmt.Errorf("ask for start offsets: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, c.Topic)
	if err != nil {
		return nil, fmt.Errorf("ask for end offsets: %w", err)
	}
	return divide(c.Topic, meta, starts, ends)
}

// divide gives each leader its partitions, without those that are empty.
func divide(topic string, meta kadm.Metadata, starts, ends kadm.ListedOffsets) ([]*share, error) {
	if err := errors.Join(meta.Topics[topic].Err, starts.Error(), ends.Error()); err != nil {
		return nil, fmt.Errorf("look at topic %s: %w", topic, err)
	}
	shares := map[int32]*share{}
	var list []*share
	for _, p := range meta.Topics[topic].Partitions.Sorted() {
		start, _ := starts.Lookup(topic, p.Partition)
		end, _ := ends.Lookup(topic, p.Partition)
		if start.Offset >= end.Offset {
			continue
		}
		s := shares[p.Leader]
		if s == nil {
			b, err := leader(meta, p)
			if err != nil {
				return nil, err
			}
			s = &share{addr: b, topic: topic, at: map[int32]*part{}}
			shares[p.Leader] = s
			list = append(list, s)
		}
		q := &part{number: p.Partition, next: start.Offset, end: end.Offset}
		s.parts, s.at[q.number] = append(s.parts, q), q
	}
	return list, nil
}

func leader(meta kadm.Metadata, p kadm.PartitionDetail) (string, error) {
	for _, b := range meta.Brokers {
		if b.NodeID == p.Leader {
			return net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))), nil
		}
	}
	return "", fmt.Errorf("look at partition %d: broker %d, which leads it, is unknown", p.Partition, p.Leader)
}

// run fetches until every partition has reached its end, and gives take what
// each answer has for a partition: whole batches.
func (s *share) run(j *job, r *reader, take func([]byte) error) error {
	idle := 0
	for len(s.parts) > 0 {
		resp, err := r.fetch(s.request(j))
		if err != nil {
			return fmt.Errorf("fetch from %s: %w", s.addr, err)
		}
		before := j.batches.Load()
		for i := range resp.Topics {
			for k := range resp.Topics[i].Partitions {
				if err := s.answer(j, &resp.Topics[i].Partitions[k], take); err != nil {
					return err
				}
			}
		}
		if idle++; j.batches.Load() > before {
			idle = 0
		}
		if idle == idleMost {
			return fmt.Errorf("fetch from %s: %d partitions bring nothing before their ends", s.addr, len(s.parts))
		}
		s.turn()
	}
	return nil
}

// idleMost is how many answers in a row may be empty: what is left of a
// compacted partition can end below the offset where its log ends.
const idleMost = 20

func (s *share) request(j *job) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version = fetchVersion
	req.ReplicaID, req.SessionEpoch = -1, -1
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 500, 1, j.FetchBytes
	req.IsolationLevel = readCommitted
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = s.topic
	for _, p := range s.parts {
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p.number, p.next, j.PartitionBytes
		rp.CurrentLeaderEpoch = -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	return req
}

// answer counts the batches of a partition's answer, checks them where they
// are to be sealed, and passes on those that are whole.
func (s *share) answer(j *job, rp *kmsg.FetchResponseTopicPartition, take func([]byte) error) error {
	p := s.at[rp.Partition]
	if p == nil {
		return fmt.Errorf("fetch: an answer for partition %d, which nobody asked for", rp.Partition)
	}
	if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
		return fmt.Errorf("fetch partition %d: %w", p.number, err)
	}
	rest := rp.RecordBatches
	for len(rest) > 0 {
		h, size, err := next(rest, j.Mode == Seal)
		if errors.Is(err, recordbatch.ErrPartial) {
			break
		}
		if err != nil {
			return fmt.Errorf("read partition %d from offset %d on: %w", p.number, p.next, err)
		}
		j.batches.Add(1)
		j.events.Add(int64(h.Count))
		p.next, rest = h.NextOffset(), rest[size:]
	}
	whole := rp.RecordBatches[:len(rp.RecordBatches)-len(rest)]
	if len(whole) == 0 {
		return nil
	}
	p.served = true
	j.wire.Add(int64(len(whole)))
	return take(whole)
}

// next reads the header of the first batch, and its checksum where asked to.
func next(b []byte, check bool) (recordbatch.Header, int, error) {
	if check {
		h, batch, _, err := recordbatch.Next(b)
		return h, len(batch), err
	}
	h, err := recordbatch.ParseHeader(b)
	if err == nil && h.Size() > len(b) {
		err = recordbatch.ErrPartial
	}
	return h, h.Size(), err
}

// turn takes out what has reached its end, and moves those that were served
// behind the others: a broker fills its answer in the order of the request.
func (s *share) turn() {
	var waiting, served []*part
	for _, p := range s.parts {
		switch {
		case p.next >= p.end:
		case p.served:
			served = append(served, p)
		default:
			waiting = append(waiting, p)
		}
		p.served = false
	}
	s.parts = append(waiting, served...)
}
