package find_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/find"
)

// memory is an index in memory, with hands to spoil it.
type memory struct {
	mu    sync.Mutex
	ends  map[names.Range][]byte
	sizes map[names.Range]int64
}

func newMemory() *memory {
	return &memory{ends: map[names.Range][]byte{}, sizes: map[names.Range]int64{}}
}

func (m *memory) End(name names.Range) ([]byte, int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ends[name], m.sizes[name]
}

func (m *memory) Keep(name names.Range, end []byte, size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends[name], m.sizes[name] = bytes.Clone(end), size
}

func (m *memory) Segments(p names.Partition) iter.Seq2[names.Range, int64] {
	m.mu.Lock()
	defer m.mu.Unlock()
	own := maps.Clone(m.sizes)
	maps.DeleteFunc(own, func(name names.Range, _ int64) bool { return name.Partition != p })
	return maps.All(own)
}

// answer is what a search says, and what it cost.
type answer struct {
	offsets  []int64
	lost     int
	findings []cover.Kind
	stats    find.Stats
	// reads are the requests for parts of objects, lists those for names.
	reads, lists int
}

func ask(t *testing.T, w *covertest.World, key string, o find.Options) (a answer) {
	t.Helper()
	requests := func(op string) int { return w.A.Calls(op) + w.B.Calls(op) }
	a.reads, a.lists = -requests("readat")-requests("get"), -requests("list")
	o.Report = func(f cover.Finding) { a.findings = append(a.findings, f.Kind) }
	o.Stats = &a.stats
	for hit, err := range find.Find(t.Context(), w.Archive(), "orders", [][]byte{[]byte(key)}, o) {
		if l := (*cover.LostError)(nil); errors.As(err, &l) {
			a.lost++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		a.offsets = append(a.offsets, hit.Record.Offset)
	}
	a.reads += requests("readat") + requests("get")
	a.lists += requests("list")
	return a
}

// own is the key that only the record at an offset has.
func own(offset int64) string { return fmt.Sprintf("own-%d", offset) }

// row stores segments of ten records in two blocks, each record with a key of
// its own but for "k" at the given offsets.
func row(t *testing.T, w *covertest.World, from, count int64, at ...int64) []*segment.Sealed {
	t.Helper()
	var out []*segment.Sealed
	var prev names.Digest
	for base := from; base < from+10*count; base += 10 {
		s := covertest.Spec{Base: base, Next: base + 10, Prev: prev, Options: segment.Options{BlockSize: 1, Filter: true}}
		for _, half := range []int64{base, base + 5} {
			s.Batches = append(s.Batches, ownBatch(t, half, 5, at))
		}
		out = append(out, w.Store(s))
		prev = out[len(out)-1].Digest
	}
	return out
}

func ownBatch(t *testing.T, base, n int64, at []int64) []byte {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: base})
	for o := base; o < base+n; o++ {
		rec := covertest.Record(o)
		rec.Key = []byte(own(o))
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
	return bytes.Clone(out)
}

// TestIndexSavesRequests: the first search fills the index, and the next reads
// no end of a segment from a region.
func TestIndexSavesRequests(t *testing.T) {
	w, x := covertest.New(t), newMemory()
	row(t, w, 0, 40, 15, 372)
	cold := ask(t, w, "k", find.Options{Index: x})
	warm := ask(t, w, "k", find.Options{Index: x})
	for _, a := range []answer{cold, warm} {
		if !slices.Equal(a.offsets, []int64{15, 372}) || a.stats.Segments != 40 || a.stats.Blocks != 80 || a.stats.Again != 0 {
			t.Errorf("%+v", a)
		}
	}
	// What is left are archive.json and the signer, and a block for each maybe.
	if cold.reads < 40 || warm.reads > 4+int(warm.stats.Opened) {
		t.Errorf("%d reads with an empty index, %d with a warm one, %d blocks", cold.reads, warm.reads, warm.stats.Opened)
	}
	if !slices.Equal(warm.stats.Partitions, []int32{covertest.Partition.Number}) {
		t.Errorf("searched %v", warm.stats.Partitions)
	}
}

// TestIndexSpoilt: whatever is in an index, the answer is that of the regions.
func TestIndexSpoilt(t *testing.T) {
	other := covertest.New(t)
	other.ID = names.ArchiveID{66}
	for name, spoil := range map[string]func(w *covertest.World, x *memory, all []*segment.Sealed){
		"a filter that is damaged": func(_ *covertest.World, x *memory, all []*segment.Sealed) {
			x.ends[all[1].Name][40] ^= 1
		},
		"a footer that is damaged": func(_ *covertest.World, x *memory, all []*segment.Sealed) {
			end := x.ends[all[1].Name]
			end[len(end)-200] ^= 1
		},
		"an end that is cut": func(_ *covertest.World, x *memory, all []*segment.Sealed) {
			x.ends[all[1].Name] = x.ends[all[1].Name][100:]
		},
		"an end that is empty": func(_ *covertest.World, x *memory, all []*segment.Sealed) {
			x.ends[all[1].Name] = []byte{}
		},
		"the end of another segment": func(w *covertest.World, x *memory, all []*segment.Sealed) {
			s := w.Segment(covertest.Spec{Base: 50, Next: 60, Prev: all[4].Digest, Options: segment.Options{BlockSize: 1, Filter: true},
				Batches: [][]byte{ownBatch(t, 50, 5, []int64{52}), ownBatch(t, 55, 5, []int64{55})}})
			if len(s.Data) != len(all[1].Data) {
				t.Fatal("the two are of different sizes")
			}
			x.Keep(all[1].Name, s.Data[s.Footer.EndAt():], int64(len(s.Data)))
		},
		"the end of another archive": func(_ *covertest.World, x *memory, all []*segment.Sealed) {
			foreign := row(t, other, 10, 1)[0]
			x.Keep(all[1].Name, foreign.Data[foreign.Footer.EndAt():], int64(len(foreign.Data)))
		},
		"filters of another segment behind a footer of its own": func(_ *covertest.World, x *memory, all []*segment.Sealed) {
			end, from := x.ends[all[1].Name], x.ends[all[2].Name]
			copy(end[:60], from[:60])
		},
		"another size": func(_ *covertest.World, x *memory, all []*segment.Sealed) { x.sizes[all[1].Name]-- },
		"a segment that is missing": func(_ *covertest.World, x *memory, all []*segment.Sealed) {
			delete(x.ends, all[1].Name)
			delete(x.sizes, all[1].Name)
		},
		"a segment that is gone": func(w *covertest.World, x *memory, all []*segment.Sealed) {
			for _, r := range w.Regions() {
				r.Remove(all[3].Name.String())
			}
			w.Store(covertest.Spec{Base: 30, Next: 40, Batches: [][]byte{ownBatch(t, 30, 10, []int64{37})}})
		},
		"a segment that was rolled up": func(w *covertest.World, x *memory, all []*segment.Sealed) {
			for _, s := range all[:3] {
				for _, r := range w.Regions() {
					r.Remove(s.Name.String())
				}
			}
			w.Store(covertest.Spec{Base: 0, Next: 30, Batches: [][]byte{ownBatch(t, 0, 30, []int64{12, 15})}})
		},
		"a block that is damaged in one region": func(w *covertest.World, x *memory, all []*segment.Sealed) {
			w.A.Flip(all[1].Name.String(), int(all[1].Footer.Blocks[0].Position)+30)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, x := covertest.New(t), newMemory()
			all := row(t, w, 0, 5, 12, 15, 37)
			ask(t, w, "k", find.Options{Index: x})
			if len(x.ends) != 5 {
				t.Fatalf("%d ends in the index", len(x.ends))
			}
			spoil(w, x, all)
			want := ask(t, w, "k", find.Options{})
			got := ask(t, w, "k", find.Options{Index: x})
			if !slices.Equal(got.offsets, want.offsets) || !slices.Equal(got.offsets, []int64{12, 15, 37}) || got.lost != 0 || want.lost != 0 {
				t.Errorf("with the index %+v\nwithout %+v", got, want)
			}
			if !slices.Equal(got.findings, want.findings) {
				t.Errorf("found %v, without the index %v", got.findings, want.findings)
			}
			again := ask(t, w, "k", find.Options{Index: x})
			if again.stats.Again > 0 && len(again.findings) == 0 {
				t.Error("the index was not put right")
			}
		})
	}
}

// TestIndexErased: where the key of a segment is gone, an index that remembers
// its filters says what the regions say.
func TestIndexErased(t *testing.T) {
	w, x := covertest.New(t), newMemory()
	row(t, w, 0, 2, 3)
	page := names.PageID{77}
	for _, r := range w.Regions() {
		r.AddPage(page)
	}
	w.Store(covertest.Spec{Base: 20, Next: 25, Page: page, Options: segment.Options{Filter: true}, Batches: [][]byte{ownBatch(t, 20, 5, []int64{22})}})
	if a := ask(t, w, "k", find.Options{Index: x}); !slices.Equal(a.offsets, []int64{3, 22}) {
		t.Fatalf("before: %+v", a)
	}
	for _, r := range w.Regions() {
		r.RemovePage(page)
	}
	for _, o := range []find.Options{{}, {Index: x}} {
		a := ask(t, w, "k", o)
		if !slices.Equal(a.offsets, []int64{3}) || a.lost != 1 {
			t.Errorf("index %v: %+v", o.Index != nil, a)
		}
	}
}

// TestIndexLongRow: of a partition with very many names, only the last are
// listed; what was stored since is found all the same, and Complete lists all.
func TestIndexLongRow(t *testing.T) {
	find.SetFewNames(t, 20, 10)
	w, x := covertest.New(t), newMemory()
	all := row(t, w, 0, 100, 15, 937)
	ask(t, w, "k", find.Options{Index: x})
	row(t, w, 1000, 1, 1004)
	a := ask(t, w, "k", find.Options{Index: x})
	if !slices.Equal(a.offsets, []int64{15, 937, 1004}) || a.stats.Again != 0 || a.reads > 10+int(a.stats.Opened) {
		t.Errorf("%+v", a)
	}
	// A copy that begins in the row and ends beyond it is seen.
	w.Store(covertest.Spec{Base: 990, Next: 1020, Options: segment.Options{Filter: true}, Batches: [][]byte{ownBatch(t, 1010, 10, []int64{1012})}})
	if a := ask(t, w, "k", find.Options{Index: x}); !slices.Equal(a.offsets, []int64{15, 937, 1004, 1012}) {
		t.Errorf("%+v", a)
	}
	w.Store(covertest.Spec{Base: 1_005, Next: 1_040, Options: segment.Options{Filter: true}, Batches: [][]byte{ownBatch(t, 1_035, 5, []int64{1_036})}})
	w.Store(covertest.Spec{Base: 1_020, Next: 1_030, Options: segment.Options{Filter: true}, Batches: [][]byte{ownBatch(t, 1_020, 10, nil)}})
	if a := ask(t, w, "k", find.Options{Index: x}); !slices.Equal(a.offsets, []int64{15, 937, 1004, 1012, 1036}) {
		t.Errorf("%+v", a)
	}
	// What was removed from the middle is noticed once it is needed: then the
	// regions are asked for everything.
	for _, r := range w.Regions() {
		r.Remove(all[1].Name.String())
	}
	if a := ask(t, w, "k", find.Options{Index: x}); a.lost != 1 || a.stats.Again != 1 || !slices.Equal(a.offsets, []int64{937, 1004, 1012, 1036}) {
		t.Errorf("%+v", a)
	}
	if a := ask(t, w, "nowhere", find.Options{Index: x, Complete: true}); a.lost != 1 {
		t.Errorf("complete: %+v", a)
	}
}

// TestFindMany looks for many keys in one pass, those of one block and of
// several, and one that is not there.
func TestFindMany(t *testing.T) {
	w := covertest.New(t)
	row(t, w, 0, 30, 15, 272)
	keys := [][]byte{[]byte("nowhere"), []byte("k")}
	for o := int64(0); o < 300; o += 7 {
		keys = append(keys, []byte(own(o)))
	}
	var got []int64
	for hit, err := range find.Find(context.Background(), w.Archive(), "orders", keys, find.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, hit.Record.Offset)
	}
	if len(got) != 43+2 || !slices.IsSorted(got) {
		t.Errorf("%d offsets: %v", len(got), got)
	}
}

// TestFindStops: a loop that ends early leaves nothing running, and one whose
// context ends hears of it.
func TestFindStops(t *testing.T) {
	w := covertest.New(t)
	row(t, w, 0, 30, 15, 272)
	for range find.Find(t.Context(), w.Archive(), "orders", [][]byte{[]byte("k")}, find.Options{}) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range find.Find(ctx, w.Archive(), "orders", [][]byte{[]byte("k")}, find.Options{Index: newMemory()}) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the last error is %v", last)
	}
}
