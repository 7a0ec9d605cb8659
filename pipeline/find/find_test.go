package find_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/find"
)

// keyed makes a batch whose records at the given offsets have the key "k"; all
// others have keys of their own.
func keyed(t *testing.T, base int64, n int, at ...int64) []byte {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: base})
	for o := base; o < base+int64(n); o++ {
		rec := covertest.Record(o)
		rec.Key = []byte(time.Duration(o).String())
		if slices.Contains(at, o) {
			rec.Key = []byte("k")
		}
		if err := b.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out)
}

// searched is an archive of ten blocks in two overlapping segments, with the key
// at offsets 15 and 72.
func searched(t *testing.T, filter bool) *covertest.World {
	w := covertest.New(t)
	spec := func(base, next int64) covertest.Spec {
		s := covertest.Spec{Base: base, Next: next, Options: segment.Options{BlockSize: 1, Filter: filter}}
		for o := base; o < next; o += 10 {
			s.Batches = append(s.Batches, keyed(t, o, 10, 15, 72))
		}
		return s
	}
	w.Store(spec(0, 50))
	w.Store(spec(10, 100), w.B)
	return w
}

func offsets(t *testing.T, w *covertest.World, o find.Options) (out []int64) {
	t.Helper()
	for hit, err := range find.Find(context.Background(), w.Archive(), "orders", [][]byte{[]byte("k")}, o) {
		if err != nil {
			t.Fatal(err)
		}
		if string(hit.Record.Key) != "k" || hit.Partition != covertest.Partition || len(hit.Origins) == 0 {
			t.Errorf("hit %+v", hit)
		}
		out = append(out, hit.Record.Offset)
	}
	return out
}

func TestFind(t *testing.T) {
	for _, filter := range []bool{true, false} {
		w, stats := searched(t, filter), &find.Stats{}
		if got := offsets(t, w, find.Options{Stats: stats}); !slices.Equal(got, []int64{15, 72}) {
			t.Errorf("filter %v: offsets %v", filter, got)
		}
		// Three blocks hold the key; a filter may say maybe once too often.
		if stats.Blocks != 14 || filter && stats.Opened > 5 || !filter && stats.Opened != 14 {
			t.Errorf("filter %v: %+v", filter, *stats)
		}
	}
}

func TestFindBounds(t *testing.T) {
	w := searched(t, true)
	at := func(o int64) time.Time { return time.UnixMilli(covertest.Record(o).Timestamp) }
	for _, tt := range []struct {
		o    find.Options
		want []int64
	}{
		{find.Options{From: at(15)}, []int64{15, 72}},
		{find.Options{From: at(16)}, []int64{72}},
		{find.Options{To: at(72)}, []int64{15, 72}},
		{find.Options{To: at(71)}, []int64{15}},
		{find.Options{From: at(16), To: at(71)}, nil},
		{find.Options{Partitions: []int32{2}}, nil},
		{find.Options{Partitions: []int32{2, 3}}, []int64{15, 72}},
	} {
		if got := offsets(t, w, tt.o); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.o, got, tt.want)
		}
	}
}

// A filter that is damaged in one region is read from the other; in both, the
// block is opened.
func TestFindDamagedFilter(t *testing.T) {
	w := covertest.New(t)
	s := w.Store(covertest.Spec{Next: 10, Options: segment.Options{Filter: true}, Batches: [][]byte{keyed(t, 0, 10, 4)}})
	for _, r := range w.Regions() {
		r.Flip(s.Name.String(), int(s.Footer.Blocks[0].Filter.Position)+3)
		var told int
		got := offsets(t, w, find.Options{Report: func(cover.Finding) { told++ }})
		if !slices.Equal(got, []int64{4}) || told == 0 {
			t.Errorf("offsets %v, %d findings", got, told)
		}
	}
}

func TestFindLost(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 3)
	for _, r := range w.Regions() {
		r.Cut(row[1].Name.String(), 5)
	}
	var lost, hits int
	for _, err := range find.Find(context.Background(), w.Archive(), "orders", [][]byte{[]byte("order-3")}, find.Options{}) {
		if l := (*cover.LostError)(nil); errors.As(err, &l) {
			lost++
		} else if err != nil {
			t.Fatal(err)
		} else {
			hits++
		}
	}
	// Offsets 3, 24 hold order-3 beside 10 and 17, which are lost.
	if lost != 1 || hits != 2 {
		t.Errorf("%d losses, %d hits", lost, hits)
	}
	for _, err := range find.Find(context.Background(), w.Archive(), "orders", [][]byte{nil}, find.Options{}) {
		if err == nil {
			t.Error("a null key was looked for")
		}
	}
}
