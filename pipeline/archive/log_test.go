package archive_test

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// Retention has overtaken the cursor.
func TestRetentionOvertakesTheCursor(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 100)
	w.catchUp(w.config("orders"))
	w.produce("orders", 0, 100)
	_, err := w.admin.DeleteRecords(context.Background(), kadm.Offsets{"orders": {0: {Topic: "orders", Partition: 0, At: 150}}})
	must(t, err)
	var gap atomic.Value
	stop := w.run(w.archiver(w.config("orders"), func(p *archive.Parts) {
		p.Hooks.Gap = func(r names.Range, _ string) { gap.Store(r) }
	}))
	w.eventually("the rest is committed", func() bool { at, _ := w.committed("orders", 0); return at == 200 })
	must(t, stop())
	if r, _ := gap.Load().(names.Range); r.Base != 100 || r.Next != 150 {
		t.Errorf("gap [%d, %d), want [100, 150)", r.Base, r.Next)
	}
}

// Beyond the log's end is never a reset.
func TestBeyondTheEndStopsThePartition(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 100)
	w.catchUp(w.config("orders"))
	before := w.regions[0].names()
	w.broker.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.broker.KeepControl()
		return answer(req.(*kmsg.FetchRequest), func(rp *kmsg.FetchResponseTopicPartition) { rp.ErrorCode = kerr.OffsetOutOfRange.Code })
	})
	w.broker.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.broker.KeepControl()
		return endAt(req.(*kmsg.ListOffsetsRequest), 50)
	})
	var stalled atomic.Value
	stop := w.run(w.archiver(w.config("orders"), func(p *archive.Parts) {
		p.Hooks.Stalled = func(_ archive.Key, err error) {
			if truncated := new(archive.TruncatedError); errors.As(err, &truncated) {
				stalled.Store(*truncated)
			}
		}
	}))
	w.eventually("the partition stops", func() bool { _, ok := stalled.Load().(archive.TruncatedError); return ok })
	stop()
	if got := stalled.Load().(archive.TruncatedError); got.At != 50 || got.Fetched != 100 {
		t.Errorf("stopped with %+v, want the log's end at 50 and the archive's at 100", got)
	}
	if after := w.regions[0].names(); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("objects %q, want those from before, %q", after, before)
	}
}

// answer makes an answer to the first partition that a fetch asks for.
func answer(r *kmsg.FetchRequest, set func(*kmsg.FetchResponseTopicPartition)) (kmsg.Response, error, bool) {
	if len(r.Topics) == 0 {
		return nil, nil, false
	}
	resp := r.ResponseKind().(*kmsg.FetchResponse)
	rt := kmsg.NewFetchResponseTopic()
	rt.Topic, rt.TopicID = r.Topics[0].Topic, r.Topics[0].TopicID
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.Partition = r.Topics[0].Partitions[0].Partition
	set(&rp)
	rt.Partitions = append(rt.Partitions, rp)
	resp.Topics = append(resp.Topics, rt)
	return resp, nil, true
}

// endAt answers the question for a log's end, and only that.
func endAt(r *kmsg.ListOffsetsRequest, end int64) (kmsg.Response, error, bool) {
	if r.ReplicaID != -1 || len(r.Topics) != 1 || r.Topics[0].Partitions[0].Timestamp != -1 {
		return nil, nil, false
	}
	resp := r.ResponseKind().(*kmsg.ListOffsetsResponse)
	rt := kmsg.NewListOffsetsResponseTopic()
	rt.Topic = r.Topics[0].Topic
	rp := kmsg.NewListOffsetsResponseTopicPartition()
	rp.Partition, rp.Offset = r.Topics[0].Partitions[0].Partition, end
	rt.Partitions = append(rt.Partitions, rp)
	resp.Topics = append(resp.Topics, rt)
	return resp, nil, true
}

// The topic is deleted and made again under its name.
func TestTopicMadeAgainBeginsANewLineage(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	stop := w.run(w.archiver(w.config("orders")))
	w.produce("orders", 0, 100)
	w.eventually("archived", func() bool { return len(w.archived(1, "orders", 0)) == 100 })
	old := w.regions[0].names()

	_, err := w.admin.DeleteTopic(context.Background(), "orders")
	must(t, err)
	_, err = w.admin.CreateTopic(context.Background(), 1, 1, nil, "orders")
	must(t, err)
	w.produce("orders", 0, 30)
	w.eventually("a second lineage", func() bool { return len(w.lineages("orders")) == 2 })
	w.eventually("it is complete", func() bool { return w.recordsOf(w.newest("orders")) == 30 })
	must(t, stop())
	for _, n := range old {
		if w.regions[0].object(n) == nil {
			t.Errorf("%s is gone", n)
		}
	}
}

func (w *world) lineages(topic string) map[names.Lineage]bool {
	found := map[names.Lineage]bool{}
	for _, n := range w.regions[1].allRanges() {
		if n.Partition.Topic == topic {
			found[n.Partition.Lineage] = true
		}
	}
	return found
}

// newest is the lineage that the broker has now.
func (w *world) newest(topic string) names.Lineage {
	m, err := w.admin.Metadata(context.Background(), topic)
	must(w.t, err)
	return names.Lineage{Topic: names.TopicID(m.Topics[topic].ID), Branch: names.RootBranch}
}

func (w *world) recordsOf(l names.Lineage) (n int) {
	for _, r := range w.regions[1].allRanges() {
		if r.Partition.Lineage == l {
			for _, b := range w.open(w.regions[1], r) {
				n += int(b.Count)
			}
		}
	}
	return n
}

// Partitions are added, and a topic appears that matches the pattern.
func TestNewPartitionsAndTopicsAreRead(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "cdc.orders"))
	cfg := w.config()
	cfg.Topics = []archive.Topic{{Pattern: `cdc\..*`}}
	cfg.Membership = append(cfg.Membership, kgo.MetadataMaxAge(500*time.Millisecond), kgo.MetadataMinAge(100*time.Millisecond))
	stop := w.run(w.archiver(cfg))
	w.produce("cdc.orders", 0, 10)
	w.eventually("the first partition", func() bool { return len(w.archived(1, "cdc.orders", 0)) == 10 })
	_, err := w.admin.CreatePartitions(context.Background(), 1, "cdc.orders")
	must(t, err)
	_, err = w.admin.CreateTopic(context.Background(), 1, 1, nil, "cdc.customers")
	must(t, err)
	w.produce("cdc.orders", 1, 20)
	w.produce("cdc.customers", 0, 30)
	w.eventually("the new partition", func() bool { return len(w.archived(1, "cdc.orders", 1)) == 20 })
	w.eventually("the new topic", func() bool { return len(w.archived(1, "cdc.customers", 0)) == 30 })
	must(t, stop())
}

// Connections are cut and leaders move.
func TestLeadersMove(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(4, "orders"))
	stop := w.run(w.archiver(w.config("orders")))
	for i := range 4 {
		for p := range int32(4) {
			w.produce("orders", p, 50)
			must(t, w.broker.MoveTopicPartition("orders", p, int32(i+int(p))%2))
		}
	}
	w.eventually("everything committed", func() bool { return w.committedAll("orders", 4, 200) })
	must(t, stop())
	w.same("orders", 4)
}

// A damaged batch is fetched again, and never archived or skipped.
func TestDamagedBatchIsFetchedAgain(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 100)
	sent := w.damage(2)
	w.catchUp(w.config("orders"))
	if sent.Load() != 2 {
		t.Fatalf("%d damaged answers were sent, want 2", sent.Load())
	}
	w.same("orders", 1)
}

// damage makes the next n fetches with data arrive with a flipped bit in the
// records, which the CRC-32C covers.
func (w *world) damage(n int32) *atomic.Int32 {
	var sent atomic.Int32
	raw := w.fetchRaw("orders")
	w.broker.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if sent.Load() >= n {
			return nil, nil, false
		}
		w.broker.KeepControl()
		sent.Add(1)
		return answer(req.(*kmsg.FetchRequest), func(rp *kmsg.FetchResponseTopicPartition) {
			rp.HighWatermark, rp.LastStableOffset = 100, 100
			rp.RecordBatches = append([]byte(nil), raw...)
			rp.RecordBatches[len(raw)-1] ^= 1
		})
	})
	return &sent
}

// fetchRaw reads the batches of partition 0 as the broker sends them.
func (w *world) fetchRaw(topic string) []byte {
	w.t.Helper()
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxWaitMillis, req.MinBytes = 11, 1000, 1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic, w.newest(topic).Topic
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.PartitionMaxBytes = 1 << 20
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	leader := w.broker.LeaderFor(topic, 0)
	resp, err := w.client().Broker(int(leader)).RetriableRequest(context.Background(), req)
	must(w.t, err)
	return resp.(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
}

// A batch above the limit stops its partition, whole and unskipped.
func TestBatchAboveTheLimitStops(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 10)
	c := w.client(kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	must(t, c.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Value: make([]byte, 900<<10)}).FirstErr())
	cfg := w.config("orders")
	cfg.Fetch.MaxBatchBytes = 512 << 10
	var stalled atomic.Value
	stop := w.run(w.archiver(cfg, func(p *archive.Parts) {
		p.Hooks.Stalled = func(_ archive.Key, err error) {
			if big := new(archive.BatchSizeError); errors.As(err, &big) {
				stalled.Store(*big)
			}
		}
	}))
	w.eventually("the partition stops", func() bool { _, ok := stalled.Load().(archive.BatchSizeError); return ok })
	w.eventually("what came before is archived", func() bool { return len(w.archived(1, "orders", 0)) == 10 })
	stop()
	cfg.Fetch.MaxBatchBytes = 2 << 20
	w.catchUp(cfg)
	w.same("orders", 1)
}

// castagnoli is how a batch is made to look sound again.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Holes in a compacted log, in batches and between them.
func TestHolesMoveTheCursor(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 100)
	raw := w.fetchRaw("orders")
	h, _, _, err := recordbatch.Next(raw)
	must(t, err)
	binary.BigEndian.PutUint32(raw[23:], uint32(h.LastOffsetDelta+50)) // as if records behind the last had been compacted away
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:h.Size()], castagnoli))
	w.broker.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.broker.KeepControl()
		r := req.(*kmsg.FetchRequest)
		return answer(r, func(rp *kmsg.FetchResponseTopicPartition) {
			rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = 170, 170, 0
			if r.Topics[0].Partitions[0].FetchOffset == 0 {
				rp.RecordBatches = raw[:h.Size()]
			} // behind it nothing is left, up to offset 170
		})
	})
	stop := w.run(w.archiver(w.config("orders")))
	w.eventually("the tail is past the holes", func() bool { at, _ := w.committed("orders", 0); return at == 170 })
	must(t, stop())
}
