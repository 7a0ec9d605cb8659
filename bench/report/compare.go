package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"golang.org/x/perf/benchmath"
)

// confidence of the intervals beside medians, as benchstat has it.
const confidence = 0.95

// A Comparison is two results side by side, median against median.
type Comparison struct {
	// Machines says how the machines differ, nil if they are alike. Then only
	// figures that do not depend on the machine's speed are compared.
	Machines []string
	// Notes are other reasons for care: a point that was left out, another
	// kernel or broker.
	Notes  []string
	Tables []Table
}

// Table compares one figure of all points that both results have.
type Table struct {
	Unit string
	Rows []Row
}

// Row is one figure of one point.
type Row struct {
	Point    string
	Old, New Cell
	Delta    string  // "+4.1%", "~" if no difference can be told
	P        float64 // of a Mann-Whitney U test
	N1, N2   int
}

// Cell is the median of a figure's repetitions.
type Cell struct {
	Median float64
	Range  string // of the 95 % confidence interval, "3%", or "∞" for too few
}

// figureOf is what is compared, and whether it holds across machines.
type figureOf struct {
	unit     string
	of       func(Result, Point) float64
	anywhere bool
}

func figures() []figureOf {
	point := func(f func(Point) float64) func(Result, Point) float64 {
		return func(_ Result, p Point) float64 { return f(p) }
	}
	return []figureOf{
		{"events/s", point(Point.PerSecond), false},
		{"µs CPU/event, program", point(Point.ProgramCPU), false},
		{"µs CPU/event, all", point(Point.AllCPU), false},
		{"program/floor", Result.OfFloor, true},
		{"peak memory, bytes", point(func(p Point) float64 { return float64(p.PeakRSS()) }), true},
		{"tail age p99, s", point(func(p Point) float64 { return p99(p.TailAge) }), false},
		{"answer p99, s", point(func(p Point) float64 { return p99(p.Latency) }), false},
	}
}

func p99(s *Spread) float64 {
	if s == nil {
		return 0
	}
	return s.P99
}

// Compare compares the usable points that both results have. Points whose names
// differ only in "#2" and so on are repetitions of one. Two machines of
// different kind are never compared by speed; the comparison says so, and
// compares what does not depend on it.
func Compare(before, after Result) Comparison {
	c := Comparison{Machines: machines(before.Machine, after.Machine), Notes: notes(before, after)}
	for _, f := range figures() {
		if len(c.Machines) > 0 && !f.anywhere {
			continue
		}
		t := Table{Unit: f.unit}
		for _, name := range bases(before) {
			values := func(r Result) []float64 { return r.samples(name, func(p Point) float64 { return f.of(r, p) }) }
			if r, ok := compare(name, values(before), values(after)); ok {
				t.Rows = append(t.Rows, r)
			}
		}
		if len(t.Rows) > 0 {
			c.Tables = append(c.Tables, t)
		}
	}
	return c
}

// compare is false where a side has no value.
func compare(name string, before, after []float64) (Row, bool) {
	if len(before) == 0 || len(after) == 0 {
		return Row{}, false
	}
	limits := benchmath.DefaultThresholds
	a, b := benchmath.NewSample(before, &limits), benchmath.NewSample(after, &limits)
	how := benchmath.AssumeNothing
	x, y, d := how.Summary(a, confidence), how.Summary(b, confidence), how.Compare(a, b)
	return Row{Point: name, Old: Cell{x.Center, x.PctRangeString()}, New: Cell{y.Center, y.PctRangeString()},
		Delta: d.FormatDelta(x.Center, y.Center), P: d.P, N1: d.N1, N2: d.N2}, true
}

// machines lists in what two machines differ that decides their speed.
func machines(a, b Machine) []string {
	var all []string
	differ := func(what string, x, y any) {
		if x != y {
			all = append(all, fmt.Sprintf("%s: %v, then %v", what, x, y))
		}
	}
	differ("processor", a.CPU, b.CPU)
	differ("cores", a.Cores, b.Cores)
	differ("SHA extensions", yesNo(a.SHA), yesNo(b.SHA))
	differ("system", a.OS, b.OS)
	return all
}

// notes say what else differs, and what was left out.
func notes(a, b Result) []string {
	var all []string
	for _, d := range [][3]string{{"kernel", a.Machine.Kernel, b.Machine.Kernel}, {"Go", a.Parts.Go, b.Parts.Go},
		{"Kafka", a.Parts.Kafka, b.Parts.Kafka}, {"stores", a.Parts.Stores, b.Parts.Stores}} {
		if d[1] != d[2] {
			all = append(all, fmt.Sprintf("%s: %s, then %s", d[0], d[1], d[2]))
		}
	}
	for i, r := range []Result{a, b} {
		for _, p := range r.Points {
			if !p.Usable() {
				all = append(all, fmt.Sprintf("%s of the %s result is left out: %s", p.Name, [...]string{"first", "second"}[i], p.Verdict))
			}
		}
	}
	return append(append(all, onlyIn("first", a, b)...), onlyIn("second", b, a)...)
}

// onlyIn names the points that the other result lacks.
func onlyIn(which string, r, other Result) []string {
	have := map[string]bool{}
	for _, name := range bases(other) {
		have[name] = true
	}
	var only []string
	for _, name := range bases(r) {
		if !have[name] {
			only = append(only, name)
		}
	}
	if len(only) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("only in the %s result: %s", which, strings.Join(only, ", "))}
}

// bases are the names of a result's points without repetitions, in order.
func bases(r Result) []string {
	var all []string
	seen := map[string]bool{}
	for _, p := range r.Points {
		if b := Base(p.Name); !seen[b] {
			seen[b] = true
			all = append(all, b)
		}
	}
	return all
}

// WriteText writes the comparison as benchstat would.
func (c Comparison) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	if len(c.Machines) > 0 {
		fmt.Fprintf(b, "NOT THE SAME MACHINE (%s). Speeds are not compared, only what does not depend on them.\n", strings.Join(c.Machines, "; "))
	}
	for _, n := range c.Notes {
		fmt.Fprintf(b, "note: %s\n", n)
	}
	if len(c.Tables) == 0 {
		b.WriteString("No figure can be compared.\n")
	}
	for _, t := range c.Tables {
		t.write(b)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

func (t Table) write(b *bufio.Writer) {
	wide := len("point")
	for _, r := range t.Rows {
		wide = max(wide, len(r.Point))
	}
	fmt.Fprintf(b, "\n%s\n%-*s  %12s %5s  %12s %5s  %9s\n", t.Unit, wide, "point", "first", "±", "second", "±", "delta")
	for _, r := range t.Rows {
		fmt.Fprintf(b, "%-*s  %12s %5s  %12s %5s  %9s  (%s)\n", wide, r.Point, digits(r.Old.Median), r.Old.Range,
			digits(r.New.Median), r.New.Range, r.Delta, r.test())
	}
}

// test is what the delta rests on.
func (r Row) test() string {
	if r.N1 < 4 || r.N2 < 4 {
		return fmt.Sprintf("p=%.3f n=%d+%d, too few to tell", r.P, r.N1, r.N2)
	}
	return fmt.Sprintf("p=%.3f n=%d+%d", r.P, r.N1, r.N2)
}

func digits(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}
