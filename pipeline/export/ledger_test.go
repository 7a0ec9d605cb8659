package export

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// entry is a record as it was archived, and as every format must give it back.
type entry struct {
	Partition int32
	Type      string
	recordbatch.Record
}

func (e entry) String() string {
	return fmt.Sprintf("partition %d, %s: %#v", e.Partition, e.Type, e.Record)
}

// ledger is a small archive and what was put into it.
type ledger struct {
	t       testing.TB
	world   *covertest.World
	entries []entry // partition by partition, in offset order
}

var year2200 = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// now is the moment about which records are stamped.
const now = int64(1_790_000_000_000)

func orders(number int32) names.Partition {
	p := covertest.Partition
	p.Number = number
	return p
}

// put stores batches as one segment of a partition.
func (l *ledger) put(number int32, base int64, batches ...batchSpec) {
	l.t.Helper()
	spec := covertest.Spec{Base: base, Partition: orders(number)}
	for _, b := range batches {
		built, kept := b.build(l.t, number)
		spec.Batches = append(spec.Batches, built)
		l.entries = append(l.entries, kept...)
		h, err := recordbatch.ParseHeader(built)
		if err != nil {
			l.t.Fatal(err)
		}
		spec.Next = h.NextOffset()
	}
	l.world.Store(spec)
}

// batchSpec says what batch to make.
type batchSpec struct {
	options recordbatch.Options
	records []recordbatch.Record
}

func (s batchSpec) build(t testing.TB, partition int32) ([]byte, []entry) {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(s.options)
	kind, highest := "create", s.records[0].Timestamp
	if s.options.LogAppendTime {
		kind = "logappend"
	}
	for _, r := range s.records {
		if err := b.Append(r); err != nil {
			t.Fatal(err)
		}
		highest = max(highest, r.Timestamp)
	}
	built, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	var kept []entry
	for _, r := range s.records {
		if s.options.LogAppendTime {
			r.Timestamp = highest
		}
		kept = append(kept, entry{partition, kind, r})
	}
	return bytes.Clone(built), kept
}

// pieces are what odd keys and values are put together from: what JSON escapes,
// what CSV quotes, what a spreadsheet runs, and what is not UTF-8.
var pieces = []string{"", "a", "Größe", `"`, `\`, ",", ";", "\n", "\r", "\r\n", "\t", " ", "\x00", "\x1f", "\x7f", "<&>", "\u2028", "\ufeff",
	"=1+1", "+49", "-5", "@SUM(A1)", "＝", "'", "null", "𝄞", "\xff\xfe", "\xc3\x28", "\xe2\x80"}

func oddBytes(rnd *rand.Rand) []byte {
	if rnd.IntN(6) == 0 {
		return nil
	}
	b := []byte{}
	for range rnd.IntN(4) {
		b = append(b, pieces[rnd.IntN(len(pieces))]...)
	}
	return b
}

func oddRecord(rnd *rand.Rand, offset int64) recordbatch.Record {
	times := []int64{-1, 0, now, now + 1, now + 5, now - 25*24*3600*1000, year2200, now - offset}
	r := recordbatch.Record{Offset: offset, Timestamp: times[rnd.IntN(len(times))], Key: oddBytes(rnd), Value: oddBytes(rnd)}
	for range rnd.IntN(4) {
		key := oddBytes(rnd)
		if key == nil {
			key = []byte{} // Kafka has no null header key
		}
		r.Headers = append(r.Headers, recordbatch.RecordHeader{Key: key, Value: oddBytes(rnd)})
	}
	return r
}

// newLedger archives three partitions of odd records: in every codec, in and
// outside transactions, with the broker's time, with holes of compaction, and
// in several segments.
func newLedger(t testing.TB, seed uint64) *ledger {
	l := &ledger{t: t, world: covertest.New(t)}
	rnd := rand.New(rand.NewPCG(seed, 29))
	for number := range int32(3) {
		offset := int64(number) * 1000
		for range 4 {
			base := offset
			var batches []batchSpec
			for range 3 {
				var b batchSpec
				b, offset = oddBatch(rnd, offset)
				batches = append(batches, b)
			}
			l.put(number, base, batches...)
		}
	}
	return l
}

func oddBatch(rnd *rand.Rand, offset int64) (batchSpec, int64) {
	b := batchSpec{options: recordbatch.Options{
		BaseOffset: offset, LeaderEpoch: 4, Codec: recordbatch.Codec(rnd.IntN(5)), LogAppendTime: rnd.IntN(4) == 0,
	}}
	if b.options.Transactional = rnd.IntN(3) == 0; b.options.Transactional {
		b.options.Producer = &recordbatch.Producer{ID: 77, Epoch: 1, Sequence: int32(offset)}
	}
	holes := rnd.IntN(3) == 0
	if holes {
		offset += 2
	}
	for range 1 + rnd.IntN(12) {
		b.records = append(b.records, oddRecord(rnd, offset))
		offset++
		if holes {
			offset += rnd.Int64N(3)
		}
	}
	return b, b.records[len(b.records)-1].Offset + 1
}

// want is what has to come back at a moment, by the rule of the cut and not by
// the code under test.
func (l *ledger) want(to int64) []entry {
	var want []entry
	for _, e := range l.entries {
		if e.Timestamp <= to {
			want = append(want, e)
		}
	}
	return want
}

func (l *ledger) source() restore.Source { return restore.FromArchive(l.world.Archive(), nil) }

func (l *ledger) plan(to int64) *restore.Plan {
	l.t.Helper()
	return l.planFor(restore.Request{To: time.UnixMilli(to), Topics: map[string]string{"orders": "old.orders"}, AllowIncomplete: true})
}

func (l *ledger) planFor(r restore.Request) *restore.Plan {
	l.t.Helper()
	p, err := restore.NewPlan(l.t.Context(), l.source(), r, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// same compares record for record; null and empty are different.
func same(t testing.TB, got, want []entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d records, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if g, w := got[i].String(), want[i].String(); g != w {
			t.Fatalf("record %d is\n%s, want\n%s", i, g, w)
		}
	}
}
