package archive_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// A broker that begins every answer at the log's start.
func TestOffsetsThatAreKnownAreNotStoredAgain(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	var log [][]byte
	for i := range int64(10) {
		log = append(log, batchOf(t, 10*i, 10, recordbatch.Options{}))
	}
	w.scripted("orders", 100, func(offset int64, rp *kmsg.FetchResponseTopicPartition) {
		if offset < 100 {
			rp.RecordBatches = bytes.Join(log[:offset/10+1], nil)
		}
	})
	stop := w.run(w.archiver(w.config("orders")))
	w.eventually("committed", func() bool { at, _ := w.committed("orders", 0); return at == 100 })
	must(t, stop())
	if n := w.recordsOf(w.newest("orders")); n != 100 {
		t.Errorf("%d records stored, want each of 100 once", n)
	}
}

// Transactions interleaved, the list of aborted ones out of order, and
// an answer that begins before the offset asked for.
func TestAbortedTransactionsAreLeftOut(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	one, two := inTransaction(1), inTransaction(2)
	log := [][]byte{
		batchOf(t, 0, 2, one), batchOf(t, 2, 2, two), batchOf(t, 4, 2, one), marker(t, 6, 1, recordbatch.ControlAbort),
		batchOf(t, 7, 2, one), marker(t, 9, 2, recordbatch.ControlCommit), marker(t, 10, 1, recordbatch.ControlCommit),
		batchOf(t, 11, 2, one), marker(t, 13, 1, recordbatch.ControlAbort), batchOf(t, 14, 1, recordbatch.Options{}),
	}
	w.scripted("orders", 15, func(offset int64, rp *kmsg.FetchResponseTopicPartition) {
		rp.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 1, FirstOffset: 11}, {ProducerID: 1, FirstOffset: 0}}
		switch {
		case offset < 7:
			rp.RecordBatches = bytes.Join(log[:4], nil)
		case offset < 15:
			rp.RecordBatches = bytes.Join(log, nil) // the first abort marker is below the cursor now
		}
	})
	stop := w.run(w.archiver(w.config("orders")))
	w.eventually("committed", func() bool { at, _ := w.committed("orders", 0); return at == 15 })
	must(t, stop())
	for i := range w.regions {
		if got, want := w.offsets(i, "orders"), []int64{2, 3, 7, 8, 14}; !slices.Equal(got, want) {
			t.Errorf("region %d holds offsets %v, want %v", i, got, want)
		}
	}
}

// A partition of nothing but control batches.
func TestControlBatchesMoveTheCursor(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	var below atomic.Int32
	w.scripted("orders", 50, func(offset int64, rp *kmsg.FetchResponseTopicPartition) {
		if offset < 50 {
			below.Add(1)
			rp.RecordBatches = marker(t, offset, 7, recordbatch.ControlType(offset%2))
		}
	})
	stop := w.run(w.archiver(w.config("orders")))
	w.eventually("committed", func() bool { at, _ := w.committed("orders", 0); return at == 50 })
	must(t, stop())
	stop = w.run(w.archiver(w.config("orders")))
	<-time.After(300 * time.Millisecond)
	must(t, stop())
	if n := below.Load(); n != 50 {
		t.Errorf("%d fetches below the end, want each of 50 offsets asked for once", n)
	}
}

// The tail of a compacted log is gone. A run until caught up ends, but
// not before it.
func TestUntilCaughtUpPassesAnEmptyTail(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	batch := batchOf(t, 0, 100, recordbatch.Options{})
	w.scripted("orders", 170, func(offset int64, rp *kmsg.FetchResponseTopicPartition) {
		if offset < 100 {
			rp.RecordBatches = batch
		}
	})
	w.broker.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.broker.KeepControl()
		return endAt(req.(*kmsg.ListOffsetsRequest), 170)
	})
	w.catchUp(w.config("orders"))
	if at, _ := w.committed("orders", 0); at != 170 {
		t.Errorf("committed %d, want 170", at)
	}
	if n := len(w.offsets(1, "orders")); n != 100 {
		t.Errorf("%d records, want 100", n)
	}
}

// A broker from before topic ids.
func TestNoTopicIDsIsSaid(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"), kfake.MaxVersions(kversion.V2_7_0()))
	var s stalls
	stop := w.run(w.archiver(w.config("orders"), s.watch))
	w.eventually("the reason is told", func() bool { return s.of(0) != nil && strings.Contains(s.of(0).Error(), "KIP-516") })
	must(t, stop())
	if n := len(w.regions[0].names()); n != 0 {
		t.Errorf("%d objects stored under no lineage", n)
	}
}

// A batch stays damaged on every replica. Its partition stops; it is
// neither archived nor skipped, and the other goes on.
func TestLastingDamageStopsOnePartition(t *testing.T) {
	for name, spoil := range map[string]func(*kmsg.FetchResponseTopicPartition){
		"by its checksum": func(rp *kmsg.FetchResponseTopicPartition) { rp.RecordBatches[len(rp.RecordBatches)-1] ^= 1 },
		"says the broker": func(rp *kmsg.FetchResponseTopicPartition) {
			rp.RecordBatches, rp.ErrorCode = nil, kerr.CorruptMessage.Code
		},
		"negative length":  func(rp *kmsg.FetchResponseTopicPartition) { rp.RecordBatches[len(rp.RecordBatches)-1-90] ^= 1 },
		"unknown error 99": func(rp *kmsg.FetchResponseTopicPartition) { rp.RecordBatches, rp.ErrorCode = nil, 99 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, kfake.SeedTopics(2, "orders"))
			must(t, w.broker.MoveTopicPartition("orders", 1, 1))
			sound := batchOf(t, 0, 5, recordbatch.Options{})
			w.scripted("orders", 10, func(offset int64, rp *kmsg.FetchResponseTopicPartition) {
				if offset < 5 {
					rp.RecordBatches = sound
					return
				}
				rp.RecordBatches = batchOf(t, 5, 5, recordbatch.Options{})
				spoil(rp)
			})
			var s stalls
			stop := w.run(w.archiver(w.config("orders"), s.watch))
			w.produce("orders", 1, 50)
			w.eventually("it is reported", func() bool { return s.of(0) != nil })
			w.eventually("the other goes on", func() bool { at, _ := w.committed("orders", 1); return at == 50 })
			w.eventually("what came before is archived", func() bool { at, _ := w.committed("orders", 0); return at == 5 })
			must(t, stop())
			if got := w.offsets(0, "orders"); len(got) != 5 {
				t.Errorf("offsets %v are archived, want 0 to 4", got)
			}
		})
	}
}

// A record of 20 MB, larger than the memory budget, in a segment of
// its own.
func TestLargeRecordIsKeptWhole(t *testing.T) {
	w := newWorld(t)
	must(t, w.broker.CreateTopic("orders", 1, map[string]string{"max.message.bytes": fmt.Sprint(32 << 20)}))
	w.produce("orders", 0, 10)
	c := w.client(kgo.ProducerBatchMaxBytes(30<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	must(t, c.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Value: bytes.Repeat([]byte("order"), 4<<20)}).FirstErr())
	w.produce("orders", 0, 10)
	cfg := w.config("orders")
	cfg.Fetch.MaxBatchBytes, cfg.Memory = 32<<20, 8<<20
	w.catchUp(cfg)
	w.same("orders", 1)
	for _, r := range w.regions[0].allRanges() {
		if r.Base <= 10 && 10 < r.Next && r.Next-r.Base != 1 {
			t.Errorf("the large record is in a segment of %d offsets", r.Next-r.Base)
		}
	}
}

// What producers may send, and most readers bend.
func TestOddRecordsComeBackAsTheyWere(t *testing.T) {
	w := newWorld(t)
	must(t, w.broker.CreateTopic("orders", 1, nil))
	must(t, w.broker.CreateTopic("stamped", 1, map[string]string{"message.timestamp.type": "LogAppendTime"}))
	many := make([]kgo.RecordHeader, 10_000)
	for i := range many {
		many[i] = kgo.RecordHeader{Key: "same", Value: []byte{byte(i)}}
	}
	at := time.UnixMilli
	odd := []*kgo.Record{
		{Key: nil, Value: nil, Timestamp: at(0)}, {Key: []byte{}, Value: []byte{}, Timestamp: at(7_258_118_400_000)},
		{Key: []byte{0xff, 0xfe}, Value: []byte{0xc3, 0x28}, Timestamp: at(1_700_000_000_000)},
		{Key: []byte("k"), Headers: many, Timestamp: at(1_700_000_000_000 - 25*24*3_600_000)},
		{Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "", Value: nil}, {Key: "", Value: []byte{}}, {Key: "\xff", Value: []byte{0xff}}}, Timestamp: at(-1)},
	}
	for _, topic := range []string{"orders", "stamped"} {
		for _, r := range odd {
			r.Topic = topic
		}
		must(t, w.client(kgo.RecordPartitioner(kgo.ManualPartitioner())).ProduceSync(context.Background(), odd...).FirstErr())
	}
	w.catchUp(w.config("orders", "stamped"))
	w.same("orders", 1)
	w.same("stamped", 1)
}

// A broker with messages from before Kafka 0.11.
func TestOldMessageFormatIsNamed(t *testing.T) {
	for magic := range byte(2) {
		t.Run(fmt.Sprintf("v%d", magic), func(t *testing.T) {
			w := newWorld(t, kfake.SeedTopics(1, "orders"))
			old := make([]byte, 64)
			binary.BigEndian.PutUint32(old[8:], uint32(len(old)-12))
			old[16] = magic
			w.scripted("orders", 1, func(_ int64, rp *kmsg.FetchResponseTopicPartition) { rp.RecordBatches = old })
			var s stalls
			stop := w.run(w.archiver(w.config("orders"), s.watch))
			w.eventually("the partition stops", func() bool { return errors.Is(s.of(0), recordbatch.ErrMessageFormat) })
			if text := s.of(0).Error(); !strings.Contains(text, "topic orders partition 0") {
				t.Errorf("%q does not name the topic", text)
			}
			must(t, stop())
		})
	}
}

// The tail stands in the middle of a batch. The segment begins at the
// offset asked for, though the batch begins below.
func TestFetchFromTheMiddleOfABatch(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	var whole atomic.Bool
	w.scripted("orders", 100, func(offset int64, rp *kmsg.FetchResponseTopicPartition) {
		switch {
		case offset < 50:
			rp.RecordBatches = batchOf(t, 0, 50, recordbatch.Options{})
		case offset < 100 && whole.Load():
			rp.RecordBatches = batchOf(t, 0, 100, recordbatch.Options{})
		default:
			rp.LastStableOffset = offset
		}
	})
	for _, want := range []int64{50, 100} {
		stop := w.run(w.archiver(w.config("orders")))
		w.eventually("committed", func() bool { at, _ := w.committed("orders", 0); return at == want })
		must(t, stop())
		whole.Store(true)
	}
	var bases []int64
	for _, r := range w.regions[0].allRanges() {
		bases = append(bases, r.Base)
	}
	if !slices.Equal(bases, []int64{0, 50}) {
		t.Errorf("segments begin at %v, want 0 and 50", bases)
	}
	if n := len(w.offsets(0, "orders")); n != 100 {
		t.Errorf("%d offsets, want 100", n)
	}
}
