package restore

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/semaphore"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// conveyor is a lane as its reader uses it, and a batch of events to restore.
func conveyor(t testing.TB) (*lane, wholePiece) {
	t.Helper()
	var recs []recordbatch.Record
	for i := range int64(150) {
		recs = append(recs, rec(i, 1))
	}
	x := &execution{options: Options{Memory: 1 << 30}.withDefaults(), memory: semaphore.NewWeighted(1 << 30), state: &state{ProducerID: 7}}
	l := &lane{execution: x, place: place{"t", 0}, cutter: cutter{filter: filter{to: 1000}, limit: 1 << 20, decoder: recordbatch.NewDecoder(0)}}
	return l, wholePiece(batch(t, recordbatch.Options{Codec: recordbatch.CodecZstd}, recs...))
}

// carry takes a batch from the archive to the request that it travels in.
func carry(ctx context.Context, l *lane, p Piece, queue chan loaded, dst []byte) ([]byte, error) {
	cuts, err := l.cutter.cut(p)
	if err != nil {
		return dst, err
	}
	if len(cuts) != 1 {
		return dst, errors.New("not one batch")
	}
	if err := l.load(ctx, cuts[0], 0, queue); err != nil {
		return dst, err
	}
	item := <-queue
	sh := l.shipment(item)
	req := produceRequest([]*shipment{sh})
	req.Version = 9
	dst = req.AppendTo(dst[:0])
	deliver([]*shipment{sh}, answered(sh))
	if r := <-sh.answer; r.err != nil {
		return dst, r.err
	}
	l.memory.Release(item.weight)
	l.buffers.put(item.buffer)
	return dst, nil
}

func answered(sh *shipment) *kmsg.ProduceResponse {
	return &kmsg.ProduceResponse{Topics: []kmsg.ProduceResponseTopic{{
		Topic: sh.place.topic, Partitions: []kmsg.ProduceResponseTopicPartition{{Partition: sh.place.partition}},
	}}}
}

// A batch that goes back as it was costs a few small allocations, whatever its
// size: its bytes are copied into memory that was used before.
func TestAllocationsOfARawBatch(t *testing.T) {
	l, piece := conveyor(t)
	queue := make(chan loaded, 1)
	var dst []byte
	n := testing.AllocsPerRun(200, func() {
		var err error
		if dst, err = carry(context.Background(), l, piece, queue, dst); err != nil {
			t.Fatal(err)
		}
	})
	if n > mostAllocations {
		t.Errorf("%v allocations a batch, want %d at most", n, mostAllocations)
	}
}

// mostAllocations is for a batch alone in its request; in practice a request is
// shared. One more is a copy of the batch.
const mostAllocations = 8

func BenchmarkRawBatch(b *testing.B) {
	l, piece := conveyor(b)
	queue := make(chan loaded, 1)
	var dst []byte
	b.SetBytes(int64(len(piece)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = carry(context.Background(), l, piece, queue, dst); err != nil {
			b.Fatal(err)
		}
	}
}
