package capacity

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

// round is a profile whose answers can be worked out in the head: a byte of
// wire costs 10 ns, a byte sealed 10 ns, a segment a millisecond.
func round() Profile {
	return Profile{
		Version: ProfileVersion, Name: "round", Points: 5,
		Archive: Costs{Wire: 10, Sealed: 10, Segment: 1e6, Compress: map[string]float64{}, Open: map[string]float64{}},
		Restore: Costs{Wire: 20},
		Memory:  Memory{Base: 100 << 20, Partition: 1 << 20, Budget: 1}, StoreSeconds: 1.5, Lists: 2, Gets: 3,
	}
}

// steady are 100,000 events/s of 100 bytes that nothing shrinks: 10 MB/s.
func steady() Workload {
	w := DefaultWorkload()
	w.Name, w.Average, w.Peak, w.EventBytes, w.BatchEvents, w.Compressibility = "steady", 100_000, 200_000, 100, 100, 1
	w.Partitions, w.RetentionDays, w.KeyFilter, w.RollUp.On = 10, 365.25, false, false
	w.Machine.AtLeast = 1
	return w
}

func examplePrices(t *testing.T) Prices {
	t.Helper()
	text, err := ExamplePrices()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPrices(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func planOf(t *testing.T, p Profile, w Workload) Plan {
	t.Helper()
	return planWith(t, p, w, examplePrices(t))
}

func planWith(t *testing.T, p Profile, w Workload, prices Prices) Plan {
	t.Helper()
	out, err := Make(p, w, prices)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within*math.Abs(want)) {
		t.Errorf("%s: got %g, want %g within %g %%", what, got, want, within*100)
	}
}

func line(p Plan, what string) Line {
	for _, l := range p.Monthly {
		if l.What == what {
			return l
		}
	}
	return Line{}
}

func TestKnownAnswers(t *testing.T) {
	p := planOf(t, round(), steady())
	// 20 MB/s at the peak × 20 ns = 0.4 cores; a segment of 14.5 MiB closes at
	// its size: 1 MB/s a partition fills it in 15 s, but the age ends it after
	// 10 s and a hundredth for the first batch. 1 segment/s × 1 ms.
	near(t, "cores at the peak", p.CoresPeak, 0.4+0.001*20/15.2, 0.01)
	near(t, "cores on average", p.CoresBusy, 0.2+0.001, 0.01)
	near(t, "cores needed", p.CoresNeeded, p.CoresPeak/0.6, 1e-9)
	near(t, "instances", float64(p.Instances), 1, 0)
	near(t, "a segment's age", p.SegmentSeconds, 10.01, 1e-9)
	if p.ClosedBy != ByAge {
		t.Errorf("closed by %s", p.ClosedBy)
	}
	near(t, "a segment", p.SegmentBytes, 10.01e6, 0.001)
	near(t, "memory", p.MemoryEach, (100+10+256)*(1<<20), 1e-9)
	near(t, "stored a day", p.Stored.PerDay, 2*10e6*86_400, 0.001)
	near(t, "stored in full", p.Stored.Full, 365.25*p.Stored.PerDay, 1e-9)
	near(t, "stored after a month", p.Stored.First, daysAMonth*p.Stored.PerDay, 1e-9)
	near(t, "objects a day", p.Objects.PerDay, 10/10.01*86_400*(1+1.0/256), 1e-9)
	near(t, "PUTs", p.Requests.Put, 2*daysAMonth*p.Objects.PerDay, 1e-9)
	near(t, "PUT line", line(p, "PUT").Full, p.Requests.Put/1000*0.005, 1e-9)
	near(t, "storage line", line(p, "storage, standard").Full, p.Stored.Full/1e9*0.023, 1e-9)
	near(t, "storage line, first month", line(p, "storage, standard").First, p.Stored.First/1e9*0.023, 1e-9)
	near(t, "other region", line(p, "between the regions").Quantity, 10e6*86_400*daysAMonth/1e9, 0.001)
	near(t, "compute", line(p, "compute, cores").Full, 2*730.5*0.04, 1e-9)
	near(t, "recovery point", p.RecoveryPoint, 10+0.5+1.5, 1e-9)
	// A day is 864 GB of wire × 20 ns on two cores.
	near(t, "restore of a day", p.RestoreDay, 864e9*20e-9/2, 1e-9)
	// Two cores carry 2 / (0.4013 / 200,000) events/s; what they have to spare
	// works off 3,600 s of 100,000.
	near(t, "catch up", p.CatchUpAverage, 360e6/(2/(p.CoresPeak/200_000)-100_000), 1e-9)
	near(t, "catch up after the peak", p.CatchUpPeak, 2*p.CatchUpAverage, 1e-9)
	total := 0.0
	for _, l := range p.Monthly {
		total += l.Full
	}
	near(t, "total", p.Full, total, 1e-9)
}

func TestWhatClosesASegment(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Workload)
		by     string
		open   float64
	}{
		"size":   {func(w *Workload) { w.SegmentAge = Duration(60 * time.Second); w.Memory = 4 << 30 }, BySize, 14.5 * (1 << 20) / 1e6},
		"memory": {func(w *Workload) { w.SegmentAge = Duration(60 * time.Second); w.Memory = 64 << 20 }, ByMemory, 1.5 * (64 << 20) / 10e6},
		"age":    {func(w *Workload) { w.SegmentAge = Duration(2 * time.Second) }, ByAge, 2.01},
		"quiet":  {func(w *Workload) { w.Average, w.Peak, w.BatchEvents = 0.1, 0.1, 1 }, ByAge, 10 + 100},
	} {
		w := steady()
		test.change(&w)
		p := planOf(t, round(), w)
		if p.ClosedBy != test.by {
			t.Errorf("%s: closed by %s", name, p.ClosedBy)
		}
		near(t, name, p.SegmentSeconds, test.open, 1e-6)
	}
}

func TestRollUp(t *testing.T) {
	w := steady()
	w.Monthly.Verifies = 0 // they read every footer
	without := planOf(t, round(), w)
	w.RollUp.On = true
	with := planOf(t, round(), w)
	// 865 GB a day are 806 large segments of 1 GiB and ten that are not full.
	small := without.Objects.PerDay
	rollups := without.Stored.PerDay/2/(1<<30)*without.SegmentBytes/(without.SegmentBytes+pageBytes/256) + 10
	large := rollups + 10 + rollups/256
	near(t, "objects a day", with.Objects.PerDay, small+large, 1e-6)
	near(t, "objects kept", with.Objects.Kept, 7*small+365.25*large, 1e-6)
	near(t, "kept without", with.Objects.KeptPlain, without.Objects.Kept, 1e-9)
	near(t, "stored", with.Stored.Full, without.Stored.Full/365.25*(365.25+1), 1e-9)
	near(t, "between the regions", line(with, "between the regions").Quantity, 3*line(without, "between the regions").Quantity, 1e-9)
	// It asks for every small segment three times, reads back what it made,
	// and spares a restore the footers.
	restored := small/(1+1/256.0) - rollups
	blocks := 2 * (rollups - 10) * 1024
	near(t, "GET", with.Requests.Get-without.Requests.Get, daysAMonth*(3*small/(1+1/256.0)+blocks)-restored, 1e-6)
}

func TestTiers(t *testing.T) {
	w := steady()
	w.Tiers = []Tier{{"standard", 30}, {"infrequent", 60}, {"archive", 0}}
	p := planOf(t, round(), w)
	day := p.Stored.PerDay / 1e9
	near(t, "standard", line(p, "storage, standard").Quantity, 30*day, 1e-9)
	near(t, "infrequent", line(p, "storage, infrequent").Quantity, 60*day, 1e-9)
	near(t, "archive", line(p, "storage, archive").Quantity, (365.25-90)*day, 1e-9)
	near(t, "archive in the first month", line(p, "storage, archive").First, 0, 0)
	w.Tiers[2].Class = "tape"
	if _, err := Make(round(), w, examplePrices(t)); err == nil || !strings.Contains(err.Error(), `no storage class "tape", only archive, infrequent, standard`) {
		t.Errorf("got %v", err)
	}
}

func TestLimits(t *testing.T) {
	w := steady()
	w.Partitions, w.Hottest = 2, 2
	w.Average, w.Peak = 500_000, 600_000
	p := planOf(t, round(), w)
	// All of 60 MB/s × 20 ns on one partition: 1.2 cores of one.
	l, ok := p.Met()
	if ok || l.What != "the busiest partition's sealer" {
		t.Errorf("the first that stops it is %q", l.What)
	}
	near(t, "share", l.Share, 1.2, 0.01)
	// 31.5 million objects in ten partitions are 315 s of LIST pages each.
	p = planOf(t, round(), steady())
	if l := p.Limits[0]; l.What != "listing a partition at a start" || !l.Slows {
		t.Errorf("the first that slows it is %q", l.What)
	}
	near(t, "seconds", p.Limits[0].Use, 365.25*86_400/10.01*10*257/256/10/1000/10, 1e-6)
	if l, ok := p.Met(); !ok {
		t.Errorf("%s is broken", l.What)
	}
}

func TestNeverCaughtUp(t *testing.T) {
	w := steady()
	w.Average, w.Peak, w.Partitions, w.Hottest = 400_000, 400_000, 1, 1
	if p := planOf(t, round(), w); p.CatchUpAverage <= 0 {
		t.Errorf("got %g", p.CatchUpAverage)
	}
	w.EventBytes = 10_000
	if p := planOf(t, round(), w); p.CatchUpAverage != -1 {
		t.Errorf("one core takes 9 GB/s: %g", p.CatchUpAverage)
	}
}

// More rate, partitions, days or bytes never cost less.
func TestMonotone(t *testing.T) {
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	r, prices := rand.New(rand.NewPCG(1, 2)), examplePrices(t)
	for i := range 20_000 {
		w := anyWorkload(r)
		more := w
		f := 1 + r.Float64()*[]float64{0.01, 1, 100}[r.IntN(3)]
		what := []string{"rate", "peak", "partitions", "retention", "event bytes"}[r.IntN(5)]
		switch what {
		case "rate":
			more.Average, more.Peak = min(w.Average*f, 1e10), min(w.Peak*f, 1e10)
		case "peak":
			more.Peak = min(w.Peak*f, 1e10)
		case "partitions":
			more.Partitions = min(int(float64(w.Partitions)*f), mostPartitions)
		case "retention":
			more.RetentionDays = min(w.RetentionDays*f, 36_525)
		case "event bytes":
			more.EventBytes = min(int(float64(w.EventBytes)*f), 1<<30)
		}
		a, b := planWith(t, shipped, w, prices), planWith(t, shipped, more, prices)
		const slack = 1 + 1e-9
		if a.Full > b.Full*slack || a.First > b.First*slack || a.CoresBusy > b.CoresBusy*slack || a.Instances > b.Instances {
			t.Fatalf("case %d: more %s costs less: %g then %g a month, %g then %g cores, %d then %d instances\n%+v", i, what, a.Full, b.Full, a.CoresBusy, b.CoresBusy, a.Instances, b.Instances, w)
		}
	}
}

func anyWorkload(r *rand.Rand) Workload {
	w := DefaultWorkload()
	w.Average = math.Pow(10, r.Float64()*9-1)
	w.Peak = w.Average * (1 + 20*r.Float64())
	w.EventBytes, w.BatchEvents = 20+r.IntN(4000), 1+200*r.Float64()
	w.Codec, w.Compression = Codecs()[r.IntN(5)], []string{"none", "zstd", "s2"}[r.IntN(3)]
	w.Compressibility, w.Partitions, w.RetentionDays = 1+8*r.Float64(), 2+r.IntN(20_000), 1+3000*r.Float64()
	w.SegmentAge, w.KeyFilter, w.RollUp.On = Duration((0.1+100*r.Float64())*1e9), r.IntN(2) == 0, r.IntN(2) == 0
	w.Memory = Bytes(1<<20 + r.Int64N(1<<32))
	w.Machine.Network = 0.1 + 10*r.Float64()
	return w
}

func TestLargestPartitions(t *testing.T) {
	prices := examplePrices(t)
	w := steady()
	w.Machine.Memory = 1 << 40
	n, err := LargestPartitions(round(), w, prices, 20_000)
	if err != nil || n < 10 {
		t.Fatalf("got %d, %v", n, err)
	}
	w.Partitions = n
	if p := planOf(t, round(), w); p.Full > 20_000 {
		t.Errorf("%d partitions cost %g", n, p.Full)
	}
	w.Partitions = n + 1
	if p := planOf(t, round(), w); p.Full <= 20_000 {
		t.Errorf("%d partitions cost %g, too", n+1, p.Full)
	}
	if n, err := LargestPartitions(round(), w, prices, 1); n != 0 || err != nil {
		t.Errorf("a budget of 1 buys %d partitions, %v", n, err)
	}
	if _, err := LargestPartitions(round(), w, prices, math.NaN()); err == nil {
		t.Error("no number is a budget")
	}
	w.Machine.Memory = 1 << 30
	if n, _ := LargestPartitions(round(), w, prices, 1e12); n != 1024-100-256 {
		t.Errorf("a gibibyte of memory holds %d partitions of 1 MiB", n)
	}
}

// truth is a machine that we know, and a bench of it.
func truth(noise float64) (Costs, report.Result) {
	costs := Costs{Batch: 3000, Wire: 1.5, Sealed: 5, Key: 150, Segment: 2e6, Partition: 50_000, Start: 4e8,
		Compress: map[string]float64{"zstd": 8, "s2": 2}, Open: map[string]float64{"gzip": 6, "snappy": 1.5, "lz4": 2, "zstd": 3.5}}
	p := Profile{RecordBytes: 12, BatchBytes: 61, FilterBytes: 1.3, Shrink: priorShrink(), Archive: costs}
	r := rand.New(rand.NewPCG(3, 4))
	res := report.Result{Version: report.Version, Name: "truth", Started: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Machine: report.Machine{CPU: "x", Cores: 2, SHA: true}}
	for i := range 24 {
		w := DefaultWorkload()
		w.EventBytes, w.BatchEvents = []int{237, 1200}[i%2], 200
		w.Codec = []string{"zstd", "none", "lz4", "snappy"}[i/2%4]
		w.Compression = []string{"zstd", "s2"}[i/8%2]
		w.KeyFilter, w.Partitions = i%3 == 0, []int{1, 16, 64, 1000}[i%4]
		w.Compressibility, w.RollUp.On, w.Machine.AtLeast, w.Machine.Cores = []float64{5, 4}[i%2], false, 1, 1e6
		res.Points = append(res.Points, p.measure(w, i, 1+noise*(2*r.Float64()-1)))
	}
	return costs, res
}

// measure makes the point that a workload of ten million events gives.
func (p Profile) measure(w Workload, i int, factor float64) report.Point {
	const events = 10_000_000
	q := report.Point{
		Name: fmt.Sprintf("backlog/%d", i), Kind: report.Backlog, Verdict: report.Valid, Seconds: 20, Events: events,
		Bytes: int64(events * w.EventBytes), Wire: int64(events * p.wireBytes(w)),
		Workload: report.Workload{Format: "order", EventBytes: w.EventBytes, Codec: w.Codec, BatchEvents: int(w.BatchEvents), Partitions: w.Partitions},
		Settings: report.Settings{KeyFilter: w.KeyFilter, Compression: w.Compression, SegmentSize: int64(w.SegmentSize), SegmentAge: 10, Memory: int64(w.Memory)},
		Check:    &report.Check{Expected: events},
	}
	zstd := map[kindOfEvents]float64{kindOf(q): w.Compressibility}
	done := p.run(q, zstd)
	cpu := p.Archive.cpu(done) * factor
	q.Processes = []report.Process{{Name: "tidemark", User: cpu, PeakRSS: 300 << 20}}
	q.Regions = []report.Region{{Name: "a", Bytes: int64(done.sealed), Segments: int64(done.segments)}, {Name: "b", Bytes: int64(done.sealed), Segments: int64(done.segments)}}
	return q
}

func TestFitFindsWhatIsTrue(t *testing.T) {
	want, r := truth(0)
	p, err := ProfileOf(r)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "record bytes", p.RecordBytes, 12, 0.02)
	near(t, "filter bytes", p.FilterBytes, 1.3, 0.05)
	near(t, "lz4's share", p.Shrink["lz4"], priorShrink()["lz4"], 0.05)
	near(t, "s2's share on blocks", p.Shrink["s2/block"], priorShrink()["s2"], 0.1)
	for _, q := range r.Points {
		near(t, q.Name, p.Archive.cpu(workOf(q)), want.cpu(workOf(q)), 0.08)
	}
}

func TestCheckResult(t *testing.T) {
	_, r := truth(0.05)
	c, err := CheckResult(r)
	if err != nil || c.Points != 24 || c.Off > 0 {
		var b bytes.Buffer
		_ = c.WriteText(&b)
		t.Fatalf("%d points, %v\n%s", c.Points, err, b.String())
	}
	r.Points[3].Processes[0].User *= 1.6
	if c, _ = CheckResult(r); c.Off != 1 {
		t.Errorf("a point that took 1.6 times as long: %d figures are off", c.Off)
	}
	for _, f := range c.Figures {
		if f.Off() != (f.Point == r.Points[3].Name && f.Figure == "CPU") {
			t.Errorf("%+v", f)
		}
	}
	r.Points = r.Points[:4]
	if _, err := CheckResult(r); err == nil || !strings.Contains(err.Error(), "4 points can be predicted from others, and 5 are needed") {
		t.Errorf("got %v", err)
	}
}

// A point must not help to predict itself, under whatever number.
func TestRepetitionsAreLeftOutTogether(t *testing.T) {
	_, r := truth(0)
	odd := r.Points[6] // nobody else uses its codec, and it is dearer than any prior
	odd.Workload.Codec, odd.Settings.KeyFilter = "gzip", true
	odd.Processes = []report.Process{{Name: "tidemark", User: 10 * odd.Processes[0].User}}
	for i := range 20 {
		odd.Name = fmt.Sprintf("odd#%d", i+1)
		r.Points = append(r.Points, odd)
	}
	c, err := CheckResult(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Figures {
		if f.Point == "odd" && f.Figure == "CPU" && !f.Off() {
			t.Errorf("the odd point is predicted by its repetitions: %+v", f)
		}
	}
}

func TestPointsThatAreNotValidTeachNothing(t *testing.T) {
	_, r := truth(0)
	before, err := ProfileOf(r)
	if err != nil {
		t.Fatal(err)
	}
	bad := r.Points[0]
	bad.Name, bad.Verdict, bad.Processes = "bad", "1 event lost", []report.Process{{Name: "tidemark", User: 1e6}}
	r.Points = append(r.Points, bad)
	if after, err := ProfileOf(r); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%v\n%v\n%v", before, after, err)
	}
	r.Points = r.Points[len(r.Points)-1:]
	if _, err := ProfileOf(r); !errors.Is(err, ErrTooFewPoints) {
		t.Errorf("got %v", err)
	}
}

func TestProfileFile(t *testing.T) {
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteProfile(&b, p); err != nil || b.String() != string(shippedProfile) {
		t.Errorf("the shipped profile is not as it would be written: %v", err)
	}
	for from, to := range map[string]string{`"version": 1`: `"version": 2`, `"name"`: `"nom"`, `"record_bytes": `: `"record_bytes": -`} {
		if _, err := ReadProfile(strings.NewReader(strings.Replace(b.String(), from, to, 1))); err == nil {
			t.Errorf("%s is read", to)
		}
	}
}

func TestExamples(t *testing.T) {
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Examples() {
		text, err := Example(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ReadWorkload(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		p := planOf(t, shipped, w)
		if l, ok := p.Met(); !ok || w.Name != name {
			t.Errorf("%s: %s is broken: %g of %g", w.Name, l.What, l.Use, l.Most)
		}
		if _, err := json.Marshal(p); err != nil {
			t.Error(err)
		}
	}
	if len(Examples()) != 3 {
		t.Errorf("examples are %v", Examples())
	}
	if _, err := Example("../prices"); err == nil {
		t.Error("an example outside of the examples")
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for field, change := range map[string]func(*Workload){
		"events_per_second":      func(w *Workload) { w.Average = 0 },
		"peak_events_per_second": func(w *Workload) { w.Peak = w.Average / 2 },
		"event_bytes":            func(w *Workload) { w.EventBytes = -1 },
		"batch_events":           func(w *Workload) { w.BatchEvents = 0 },
		"codec":                  func(w *Workload) { w.Codec = "brotli" },
		"compressibility":        func(w *Workload) { w.Compressibility = math.NaN() },
		"partitions":             func(w *Workload) { w.Partitions = 0 },
		"hottest_partition":      func(w *Workload) { w.Hottest = 11 },
		"segment_size":           func(w *Workload) { w.SegmentSize = 1 },
		"segment_age":            func(w *Workload) { w.SegmentAge = 0 },
		"compression":            func(w *Workload) { w.Compression = "gzip" },
		"memory":                 func(w *Workload) { w.Memory = 0 },
		"regions":                func(w *Workload) { w.Regions = 3 },
		"retention_days":         func(w *Workload) { w.RetentionDays = 0 },
		"roll_up.every":          func(w *Workload) { w.RollUp = RollUp{On: true, Every: 1, Size: 1 << 30, SmallDays: 7} },
		"roll_up.size":           func(w *Workload) { w.RollUp = RollUp{On: true, Every: Duration(3600e9), Size: 1, SmallDays: 7} },
		"roll_up.small_days": func(w *Workload) {
			w.RollUp = RollUp{On: true, Every: Duration(48 * 3600e9), Size: 1 << 30, SmallDays: 1}
		},
		"tiers":                func(w *Workload) { w.Tiers = nil },
		"machine.cores":        func(w *Workload) { w.Machine.Cores = 0 },
		"machine.memory":       func(w *Workload) { w.Machine.Memory = 0 },
		"machine.network_gbit": func(w *Workload) { w.Machine.Network = math.NaN() },
		"machine.busy":         func(w *Workload) { w.Machine.Busy = 1.1 },
		"machine.at_least":     func(w *Workload) { w.Machine.AtLeast = 11 },
		"monthly":              func(w *Workload) { w.Monthly.Starts = -1 },
	} {
		w := steady()
		change(&w)
		if _, err := Make(round(), w, examplePrices(t)); err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for _, text := range []string{"", "rate: 1", "segment_age: soon", "memory: much", "tiers: {", "partitions: many"} {
		if _, err := ReadWorkload(strings.NewReader(text)); err == nil {
			t.Errorf("%q is a workload", text)
		}
	}
	for _, text := range []string{"", "put_per_1000: 1", "storage_per_gb_month: {a: -1}", "storage_per_gb_month: {a: 1}\nvcpu_hour: -1", "storage_per_gb_month: {a: .nan}"} {
		if _, err := ReadPrices(strings.NewReader(text)); err == nil {
			t.Errorf("%q is a price table", text)
		}
	}
}

func TestCurve(t *testing.T) {
	w := steady()
	curve, err := Curve(round(), w, examplePrices(t))
	if err != nil || len(curve) < 15 {
		t.Fatalf("%d points, %v", len(curve), err)
	}
	var svg, page bytes.Buffer
	if err := errors.Join(WriteSVG(&svg, curve, "EUR"), WriteHTML(&page, planOf(t, round(), w), curve, "EUR")); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&svg); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(page.String(), "<svg") != 2 || !strings.Contains(page.String(), "what limits first") {
		t.Error("the page lacks a plot or the text")
	}
}

func TestPUTsOfABacklogAreShownOnly(t *testing.T) {
	_, r := truth(0)
	for i := range r.Points {
		r.Points[i].Requests = map[string]int64{"PUT": 1}
	}
	c, err := CheckResult(r)
	if err != nil || c.Off != 0 || c.Judged != 48 || len(c.Figures) != 72 {
		t.Errorf("%d of %d off, %d figures, %v", c.Off, c.Judged, len(c.Figures), err)
	}
	r.Points[0].Kind = report.Live
	if c, err = CheckResult(r); err != nil || c.Off != 1 || c.Judged != 49 {
		t.Errorf("live: %d of %d off, %v", c.Off, c.Judged, err)
	}
}
