package report

import (
	"math"
	"slices"
	"strings"
)

// Usable reports whether a point's figures may be quoted: its verdict is
// "valid".
func (p Point) Usable() bool { return p.Verdict == Valid }

// isAround reports whether a process is what a program is measured against:
// the broker, the stores and the generator. What remains is the program.
func isAround(process string) bool {
	return process == "kafka" || process == "generator" || strings.HasPrefix(process, "region ")
}

// ProgramCPU is what the measured program itself took of the CPU for an event,
// in microseconds: everything but broker, stores and generator.
func (p Point) ProgramCPU() float64 {
	sum := 0.0
	for _, name := range p.processNames() {
		if !isAround(name) {
			sum += p.CPUPerEvent(name)
		}
	}
	return sum
}

// AllCPU is what all processes together took of the CPU for an event, in
// microseconds.
func (p Point) AllCPU() float64 {
	sum := 0.0
	for _, name := range p.processNames() {
		sum += p.CPUPerEvent(name)
	}
	return sum
}

// PeakRSS is the program's highest resident memory, in bytes, of the process
// that had most.
func (p Point) PeakRSS() int64 {
	var most int64
	for _, q := range p.Processes {
		if !isAround(q.Name) {
			most = max(most, q.PeakRSS)
		}
	}
	return most
}

// processNames are the names of the point's processes, each once, the
// program's first.
func (p Point) processNames() []string {
	var names []string
	for _, around := range []bool{false, true} {
		for _, q := range p.Processes {
			if isAround(q.Name) == around && !slices.Contains(names, q.Name) {
				names = append(names, q.Name)
			}
		}
	}
	return names
}

// FloorOf returns the floor that a point is compared with: the cheapest
// program there can be for the same work, measured in the same run. It is a
// usable point of kind [Floor] with the same format, codec and size of events,
// of the nearest number of partitions. Only backlog and live points have one.
func (r Result) FloorOf(p Point) (Point, bool) {
	if p.Kind != Backlog && p.Kind != Live {
		return Point{}, false
	}
	var best Point
	found, distance := false, 0.0
	for _, f := range r.Points {
		if f.Kind != Floor || !f.Usable() || !sameEvents(f.Workload, p.Workload) {
			continue
		}
		if d := far(f.Workload, p.Workload); !found || d < distance {
			best, found, distance = f, true, d
		}
	}
	return best, found
}

// sameEvents reports whether two workloads are the same work per event.
func sameEvents(a, b Workload) bool {
	near := math.Abs(float64(a.EventBytes-b.EventBytes)) <= 0.05*float64(b.EventBytes)
	return a.Format == b.Format && a.Codec == b.Codec && near
}

// far is how far apart two workloads are in what sameEvents leaves open.
func far(a, b Workload) float64 {
	d := math.Abs(math.Log(float64(max(a.Partitions, 1)) / float64(max(b.Partitions, 1))))
	return d + math.Abs(math.Log(float64(max(a.BatchEvents, 1))/float64(max(b.BatchEvents, 1))))
}

// OfFloor is the program's CPU per event over that of the point's floor, the
// medians of their repetitions, or 0 where there is none or the point may not
// be quoted.
func (r Result) OfFloor(p Point) float64 {
	f, ok := r.FloorOf(p)
	if !ok || !p.Usable() {
		return 0
	}
	floor := r.median(f.Name, Point.ProgramCPU)
	if floor <= 0 {
		return 0
	}
	return p.ProgramCPU() / floor
}

// median is the median of a figure over the usable repetitions of a point.
func (r Result) median(name string, figure func(Point) float64) float64 {
	return median(r.samples(Base(name), figure))
}

// samples are the values of a figure in the usable repetitions of a point;
// zero means that the figure was not measured.
func (r Result) samples(base string, figure func(Point) float64) []float64 {
	var all []float64
	for _, p := range r.Points {
		if v := figure(p); Base(p.Name) == base && p.Usable() && v > 0 {
			all = append(all, v)
		}
	}
	return all
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// A Headline is one figure to be quoted, with where it is from.
type Headline struct {
	What  string  // "archived, catching up, key filter on"
	Value float64 // events a second, or seconds for find
	Unit  string
	Point string // the point's name without repetition
	Runs  int    // usable repetitions, of which Value is the median
}

// Headlines are the best usable figures of a result: for each way of working
// the point with the highest median.
func (r Result) Headlines() []Headline {
	var all []Headline
	for _, c := range []struct {
		what string
		is   func(Point) bool
	}{
		{"archived while catching up, key filter on", func(p Point) bool { return p.Kind == Backlog && p.Settings.KeyFilter }},
		{"archived while catching up, key filter off", func(p Point) bool { return p.Kind == Backlog && !p.Settings.KeyFilter }},
		{"archived live, key filter on", func(p Point) bool { return p.Kind == Live && p.Settings.KeyFilter }},
		{"archived live, key filter off", func(p Point) bool { return p.Kind == Live && !p.Settings.KeyFilter }},
		{"restored to Kafka", func(p Point) bool { return p.Kind == Restore }},
	} {
		if h, ok := r.best(c.is); ok {
			h.What = c.what
			all = append(all, h)
		}
	}
	return all
}

func (r Result) best(is func(Point) bool) (Headline, bool) {
	var best Headline
	for _, p := range r.Points {
		if !p.Usable() || !is(p) {
			continue
		}
		values := r.samples(Base(p.Name), Point.PerSecond)
		if v := median(values); v > best.Value {
			best = Headline{Value: v, Unit: "events/s", Point: Base(p.Name), Runs: len(values)}
		}
	}
	return best, best.Point != ""
}
