package growth_test

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/growth"
	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

var (
	scale = flag.Int64("scale", 1000, "make the archive smaller by this factor; 1 is the whole year")
	only  = flag.String("layout", "", "only layouts whose name matches this regular expression")
)

const (
	smallOffsets = 1_500   // of 10 s at 150 events/s
	smallSize    = 120_000 // so that a day of a partition is a GiB
	perDay       = 8_640
	year         = 365
	kept         = 7 // days that are not rolled up yet
)

type named struct {
	name   string
	layout growth.Layout
}

func layouts(partitions int32) []named {
	l := func(runs ...growth.Run) growth.Layout {
		return growth.Layout{Topic: "orders", Lineage: covertest.Partition.Lineage, Partitions: partitions, Runs: runs}
	}
	small := func(days int64) growth.Run {
		return growth.Run{Segments: max(1, days*perDay / *scale), Offsets: smallOffsets, Size: smallSize}
	}
	rolled := func(days, perDayOf int64) growth.Run {
		parts := perDay / perDayOf
		return growth.Run{Segments: max(1, days*perDayOf / *scale), Offsets: parts * smallOffsets, Size: parts * smallSize}
	}
	return []named{
		{"a year of 10 s segments", l(small(year))},
		{"rolled up by the hour, 7 days kept small", l(rolled(year-kept, 24), small(kept))},
		{"rolled up by the day, 7 days kept small", l(rolled(year-kept, 1), small(kept))},
		{"rolled up by the day, all of it", l(rolled(year, 1))},
		{"10 million segments", l(growth.Run{Segments: max(1, 10_000_000/64 / *scale), Offsets: smallOffsets, Size: smallSize})},
	}
}

// world is an archive of two computed regions, with genuine segments at the end
// of each partition, and the archiver's key.
type world struct {
	*covertest.World
	a, b *growth.Store
	arch *cover.Archive
}

// secrets gives the tests' secrets: every region has every page.
type secrets struct{}

func (secrets) Secret(_ context.Context, page names.PageID, slot uint16) (block.Secret, error) {
	return covertest.SecretOf(page, slot), nil
}

func newWorld(t testing.TB, l growth.Layout, blocks int) *world {
	t.Helper()
	w := &world{World: covertest.New(t), a: growth.NewStore(l), b: growth.NewStore(l)}
	for _, s := range []*growth.Store{w.a, w.b} {
		for _, key := range w.A.Keys() {
			s.Put(key, w.A.Object(key))
		}
	}
	for n := range l.Partitions {
		w.tail(l.Partition(n), l.Next(), blocks)
	}
	trust, err := signed.NewTrust(w.ID, w.Root.Public())
	if err != nil {
		t.Fatal(err)
	}
	if w.arch, err = cover.New(trust, []cover.Region{{Name: "a", Objects: w.a, Secrets: secrets{}}, {Name: "b", Objects: w.b, Secrets: secrets{}}}); err != nil {
		t.Fatal(err)
	}
	return w
}

// tail stores a genuine segment of so many blocks in both regions.
func (w *world) tail(p names.Partition, base int64, blocks int) names.Range {
	w.T.Helper()
	var batches [][]byte
	for i := range int64(blocks) {
		batches = append(batches, covertest.Batch(w.T, base+i, 1))
	}
	s := w.Segment(covertest.Spec{Base: base, Next: base + int64(blocks), Partition: p, Batches: batches, Options: segment.Options{BlockSize: 1}})
	w.a.Put(s.Name.String(), s.Data)
	w.b.Put(s.Name.String(), s.Data)
	return s.Name
}

// spent is what something cost.
type spent struct {
	cpu      time.Duration
	heap     uint64 // bytes live at the end
	pages    int64
	requests int64
}

func (w *world) cost(do func()) spent {
	w.T.Helper()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pages, requests, cpu := w.a.Pages.Load()+w.b.Pages.Load(), w.a.Requests.Load()+w.b.Requests.Load(), cpuTime(w.T)
	do()
	s := spent{cpu: cpuTime(w.T) - cpu, pages: w.a.Pages.Load() + w.b.Pages.Load() - pages, requests: w.a.Requests.Load() + w.b.Requests.Load() - requests}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc {
		s.heap = after.HeapAlloc - before.HeapAlloc
	}
	return s
}

func cpuTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestTable prints what grows with the number of segments. One partition of 64
// is measured, and for the start of all of them multiplied; listings and requests
// are counted at the stores, both regions together, and CPU is the operating
// system's.
func TestTable(t *testing.T) {
	t.Logf("scale 1:%d, GOMAXPROCS %d, %s", *scale, runtime.GOMAXPROCS(0), runtime.Version())
	var out strings.Builder
	fmt.Fprintf(&out, "| | segments in a region | LIST pages of all | map of a partition: LIST pages, CPU, heap | start of 64 partitions: LIST pages, requests, CPU | footers of a year's plan |\n|---|---|---|---|---|---|\n")
	for _, x := range layouts(64) {
		if match, err := regexp.MatchString(*only, x.name); err != nil || !match {
			continue
		}
		w := newWorld(t, x.layout, 1)
		p := x.layout.Partition(5)
		var m *cover.Map
		mapped := w.cost(func() { m = w.mustMap(p) })
		if got, want := int64(len(m.Segments)), x.layout.Segments()/64+1; got != want {
			t.Errorf("%s: mapped %d segments, want %d", x.name, got, want)
		}
		runtime.KeepAlive(m)
		m = nil
		started := w.cost(func() { w.mustTail(p, x.layout.Next()+1) })
		all := x.layout.Segments()
		fmt.Fprintf(&out, "| %s | %d | %d | %d, %s, %d MiB | %d, %d, %s | %d |\n", x.name, all, (all+999)/1000,
			mapped.pages, mapped.cpu.Round(10*time.Millisecond), mapped.heap>>20, 64*started.pages, 64*started.requests, (64 * started.cpu).Round(100*time.Millisecond), all)
		if most := 2*(all/64/1000+2) + 4; mapped.pages > most {
			t.Errorf("%s: %d LIST pages for the map of a partition, want at most %d", x.name, mapped.pages, most)
		}
	}
	t.Logf("\n%s", out.String())
}

func (w *world) mustMap(p names.Partition) *cover.Map {
	w.T.Helper()
	m, err := w.arch.Map(context.Background(), p)
	if err != nil {
		w.T.Fatal(err)
	}
	return m
}

func (w *world) mustTail(p names.Partition, next int64) {
	w.T.Helper()
	tails, err := w.arch.Tails(context.Background(), p)
	if err != nil || tails.Next != next || len(tails.Holes) > 0 {
		w.T.Fatalf("tail %d, holes %v, %v: want %d", tails.Next, tails.Holes, err, next)
	}
}

// TestList compares the computed listing with the rules of a listing.
func TestList(t *testing.T) {
	l := growth.Layout{Topic: "orders", Lineage: covertest.Partition.Lineage, Partitions: 12, Runs: []growth.Run{{3, 10, 1}, {2, 5, 1}}}
	s := growth.NewStore(l)
	s.Put(growth.Name(l.Partition(1), 40, 41).String(), nil)
	s.Put(names.CataloguePage{Partition: l.Partition(3), Base: 0, Next: 30}.String(), nil)
	s.Put(names.Archive, nil)
	keys := func(prefix, after string) (out []string) {
		for info, err := range s.List(context.Background(), prefix, after) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, info.Key)
		}
		return out
	}
	all := keys("", "")
	if len(all) != 12*5+3 {
		t.Fatalf("%d names", len(all))
	}
	sorted := keys("topics/", "")
	for i, key := range sorted {
		if i > 0 && key <= sorted[i-1] {
			t.Errorf("%s behind %s", key, sorted[i-1])
		}
		if got := keys("topics/", key); len(got) != len(sorted)-i-1 {
			t.Errorf("%d names after %s, want %d", len(got), key, len(sorted)-i-1)
		}
	}
	if got := keys(l.Partition(1).Prefix(), l.Partition(1).After(20)); len(got) != 4 {
		t.Errorf("after offset 20: %v", got)
	}
}

// BenchmarkFooter is what a plan costs a segment: the verification of a small
// segment, and of a roll-up of a GiB in blocks of one MiB.
func BenchmarkFooter(b *testing.B) {
	for name, blocks := range map[string]int{"small": 1, "rollup": 1024} {
		b.Run(name, func(b *testing.B) {
			l := layouts(1)[3].layout
			w := newWorld(b, l, blocks)
			p := l.Partition(0)
			o := names.Range{}
			for _, c := range w.mustMap(p).Segments {
				o = c.Range
			}
			b.ReportAllocs()
			before, cpu := w.a.Requests.Load(), cpuTime(b)
			for b.Loop() {
				if _, err := w.arch.Verify(context.Background(), "a", o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(w.a.Requests.Load()-before)/float64(b.N), "requests/op")
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkMap is a listing of one partition of ten million segments in 64.
func BenchmarkMap(b *testing.B) {
	l := growth.Layout{Topic: "orders", Lineage: covertest.Partition.Lineage, Partitions: 1, Runs: []growth.Run{{10_000_000 / 64, smallOffsets, smallSize}}}
	w := newWorld(b, l, 1)
	b.ReportAllocs()
	for b.Loop() {
		w.mustMap(l.Partition(0))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(2*l.Segments()), "ns/name")
}
