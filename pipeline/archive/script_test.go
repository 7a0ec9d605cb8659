package archive_test

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// scripted has every fetch for partition 0 of a topic answered by fill, which
// gets the offset that was asked for. Other partitions must be led by another
// broker.
func (w *world) scripted(topic string, end int64, fill func(offset int64, rp *kmsg.FetchResponseTopicPartition)) {
	w.t.Helper()
	must(w.t, w.broker.MoveTopicPartition(topic, 0, 0))
	w.broker.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.broker.KeepControl()
		r := req.(*kmsg.FetchRequest)
		if len(r.Topics) == 0 || r.Topics[0].Partitions[0].Partition != 0 {
			return nil, nil, false
		}
		resp, err, ok := answer(r, func(rp *kmsg.FetchResponseTopicPartition) {
			rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = end, end, 0
			fill(r.Topics[0].Partitions[0].FetchOffset, rp)
		})
		if len(resp.(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches) == 0 {
			w.broker.SleepControl(func() { <-time.After(10 * time.Millisecond) }) // a short poll
		}
		return resp, err, ok
	})
}

// batchOf builds a batch of n small records.
func batchOf(t testing.TB, base int64, n int, o recordbatch.Options) []byte {
	t.Helper()
	o.BaseOffset = base
	var b recordbatch.Builder
	b.Reset(o)
	for i := range int64(n) {
		must(t, b.Append(recordbatch.Record{Offset: base + i, Timestamp: 1_700_000_000_000, Key: fmt.Appendf(nil, "k%d", base+i), Value: []byte("v")}))
	}
	out, err := b.Finish()
	must(t, err)
	return append([]byte(nil), out...)
}

// inTransaction are the options of a producer's transactional batch.
func inTransaction(producer int64) recordbatch.Options {
	return recordbatch.Options{Transactional: true, Producer: &recordbatch.Producer{ID: producer}}
}

// marker builds the control batch that ends a producer's transaction.
func marker(t testing.TB, base, producer int64, kind recordbatch.ControlType) []byte {
	t.Helper()
	o := recordbatch.Options{BaseOffset: base, Transactional: true, Control: true, Producer: &recordbatch.Producer{ID: producer, Sequence: -1}}
	var b recordbatch.Builder
	b.Reset(o)
	key := binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(kind))
	must(t, b.Append(recordbatch.Record{Offset: base, Key: key, Value: make([]byte, 6)}))
	out, err := b.Finish()
	must(t, err)
	return append([]byte(nil), out...)
}

// offsets are those of the records that a region holds for partition 0.
func (w *world) offsets(region int, topic string) []int64 {
	w.t.Helper()
	var out []int64
	for _, text := range w.archived(region, topic, 0) {
		var o int64
		_, err := fmt.Sscan(text, &o)
		must(w.t, err)
		out = append(out, o)
	}
	return out
}

// stalls keeps the last error that was reported of each partition; nil where
// it goes on.
type stalls struct{ last [8]atomic.Pointer[error] }

func (s *stalls) watch(p *archive.Parts) {
	p.Hooks.Stalled = func(k archive.Key, err error) { s.last[k.Partition].Store(&err) }
}

func (s *stalls) of(partition int) error {
	if err := s.last[partition].Load(); err != nil {
		return *err
	}
	return nil
}
