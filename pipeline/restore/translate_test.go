package restore

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// randomLog is a partition as a broker may hold it: batches with holes, aborted
// stretches left out, transactions with their markers, timestamps out of order.
type randomLog struct {
	r       *rand.Rand
	t       *testing.T
	next    int64
	epoch   int16 // each transaction has its own
	batches [][]byte
}

func (l *randomLog) grow(count int) {
	for range count {
		switch l.r.IntN(8) {
		case 0:
			l.next += l.r.Int64N(9) // aborted
		case 1, 2:
			l.transaction()
		case 3:
			l.add(recordbatch.Options{LogAppendTime: true})
		default:
			l.add(recordbatch.Options{})
		}
	}
}

func (l *randomLog) transaction() {
	l.epoch++
	producer := recordbatch.Producer{ID: 77, Epoch: l.epoch, Sequence: 40}
	l.add(recordbatch.Options{Transactional: true, Producer: &producer})
	producer.Sequence = -1
	l.batches = append(l.batches, batch(l.t, recordbatch.Options{Transactional: true, Control: true, Producer: &producer},
		recordbatch.Record{Offset: l.next, Timestamp: l.r.Int64N(1000), Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0, 0, 0, 0, 0}}))
	l.next++
}

func (l *randomLog) add(o recordbatch.Options) {
	var recs []recordbatch.Record
	for range 1 + l.r.IntN(6) {
		recs = append(recs, rec(l.next, l.r.Int64N(1000)))
		l.next++
		if l.r.IntN(4) == 0 {
			l.next += l.r.Int64N(3) // compacted away
		}
	}
	l.batches = append(l.batches, batch(l.t, o, recs...))
	l.next = recs[len(recs)-1].Offset + 1
}

// store cuts the log into segments of a few batches. Some are left out, with a
// gap that may end in the middle of a batch.
func (l *randomLog) store(w *covertest.World, holes bool) {
	from := int64(0)
	for i := 0; i < len(l.batches); {
		n := min(1+l.r.IntN(9), len(l.batches)-i)
		batches := l.batches[i : i+n]
		h, err := recordbatch.ParseHeader(batches[n-1])
		if err != nil {
			l.t.Fatal(err)
		}
		next := h.NextOffset()
		switch {
		case holes && i+n < len(l.batches) && l.r.IntN(4) == 0:
			h, err := recordbatch.ParseHeader(l.batches[i+n])
			if err != nil {
				l.t.Fatal(err)
			}
			next = h.BaseOffset + l.r.Int64N(h.NextOffset()-h.BaseOffset) // as DeleteRecords cuts
			if next > from {
				w.Gap(from, next, names.Digest{})
			}
		default:
			w.Store(covertest.Spec{Base: from, Next: next, Batches: batches, Options: segment.Options{BlockSize: 1 + l.r.IntN(600)}})
		}
		from, i = next, i+n
	}
}

// middle stores a copy that begins in the middle of a batch, as a fetch from
// there brings it.
func (l *randomLog) middle(w *covertest.World) {
	at := l.r.IntN(len(l.batches))
	h, err := recordbatch.ParseHeader(l.batches[at])
	if err != nil {
		l.t.Fatal(err)
	}
	last, err := recordbatch.ParseHeader(l.batches[min(at+5, len(l.batches)-1)])
	if err != nil {
		l.t.Fatal(err)
	}
	base := h.BaseOffset + l.r.Int64N(h.NextOffset()-h.BaseOffset)
	w.Store(covertest.Spec{Base: base, Next: last.NextOffset(), Batches: l.batches[at:min(at+6, len(l.batches))]})
}

// TestTranslateIsExact compares translations with a count of the records that
// the plan yields, for every offset there is, over many shapes of archives and
// cuts.
func TestTranslateIsExact(t *testing.T) {
	for seed := range uint64(150) {
		w := covertest.New(t)
		l := &randomLog{r: rand.New(rand.NewPCG(seed, 1)), t: t}
		l.grow(5 + l.r.IntN(60))
		if len(l.batches) == 0 {
			continue
		}
		l.store(w, true)
		if l.r.IntN(2) == 0 {
			l.store(w, true)
		}
		if l.r.IntN(2) == 0 {
			l.middle(w)
		}
		r := Request{To: at(l.r.Int64N(1100)), Topics: map[string]string{"orders": "restored"}, AllowIncomplete: true, Force: true}
		switch l.r.IntN(4) {
		case 0:
			r.To = at(5000)
		case 1:
			r.Cut = CutTransactions
		case 2:
			r.Cut, r.Offsets = CutOffsets, map[string]map[int32]int64{"orders": {3: l.r.Int64N(l.next + 2)}}
		}
		src := FromArchive(w.Archive(), nil)
		p, err := NewPlan(t.Context(), src, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Topics) == 0 {
			continue
		}
		wantTranslations(t, fmt.Sprintf("seed %d, cut %q to %d", seed, r.Cut, p.To), p, src, l.next)
	}
}

func wantTranslations(t *testing.T, what string, p *Plan, src Source, end int64) {
	t.Helper()
	var there, offsets []int64
	for _, r := range records(t, p, src, "orders", 3) {
		there = append(there, r.Offset)
	}
	for o := range end + 3 {
		offsets = append(offsets, o)
	}
	rand.Shuffle(len(offsets), func(i, j int) { offsets[i], offsets[j] = offsets[j], offsets[i] })
	for _, some := range [][]int64{offsets, offsets[:1], offsets[:min(3, len(offsets))]} {
		got, err := p.Translate(t.Context(), src, "orders", 3, some)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for i, o := range some {
			want, _ := slices.BinarySearch(there, o)
			if got[i].Source != o || got[i].Target != int64(want) {
				t.Fatalf("%s: offset %d goes to %+v, want %d", what, o, got[i], want)
			}
		}
	}
}

// TestTranslateClamps: an offset that the plan does not reach is listed.
func TestTranslateClamps(t *testing.T) {
	w := covertest.New(t)
	w.Row(100, 5)
	src := FromArchive(w.Archive(), nil)
	r := Request{To: time.UnixMilli(1_800_000_000_000), Topics: map[string]string{"orders": "restored"}}
	p, err := NewPlan(t.Context(), src, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Translate(t.Context(), src, "orders", 3, []int64{0, 99, 100, 101, 150, 151, 9000})
	want := []Translation{{0, 0, ClampStart}, {99, 0, ClampStart}, {100, 0, ""}, {101, 1, ""}, {150, 50, ""}, {151, 50, ClampEnd}, {9000, 50, ClampEnd}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := p.Translate(t.Context(), src, "orders", 4, []int64{0, 7}); err != nil || !slices.Equal(got, []Translation{{0, 0, ""}, {7, 0, ClampEnd}}) {
		t.Errorf("a partition without records: %+v, %v", got, err)
	}
	if _, err := p.Translate(t.Context(), src, "payments", 0, []int64{0}); err == nil {
		t.Error("a topic that does not come back")
	}
}

// countingSource counts the pieces that are read.
type countingSource struct {
	Source
	pieces int
}

func (s *countingSource) Read(ctx context.Context, p names.Partition, from, next int64, skip func(segment.BlockInfo) bool) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		for piece, err := range s.Source.Read(ctx, p, from, next, skip) {
			s.pieces++
			if !yield(piece, err) {
				return
			}
		}
	}
}

// TestTranslateReadsLittle: of many blocks only those are opened in which an
// offset lies, and the first of the archive.
func TestTranslateReadsLittle(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 50)
	src := &countingSource{Source: FromArchive(w.Archive(), nil)}
	p, err := NewPlan(t.Context(), src, Request{To: time.UnixMilli(1_800_000_000_000), Topics: map[string]string{"orders": "restored"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	src.pieces = 0
	got, err := p.Translate(t.Context(), src, "orders", 3, []int64{403, 200, 497})
	if err != nil || got[0].Target != 403 || got[1].Target != 200 || got[2].Target != 497 {
		t.Fatalf("%+v, %v", got, err)
	}
	if src.pieces > 6 {
		t.Errorf("%d batches of 100 were read", src.pieces)
	}
}
