package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/bench/report/plot"
)

// drawn makes a figure of an SVG. Package plot escapes every text in it.
func drawn(title, note, svg string) figure {
	return figure{Title: title, Note: note, SVG: template.HTML(svg)} //nolint:gosec // see above
}

func bad(p Point) string {
	if p.Usable() {
		return ""
	}
	return p.Verdict
}

func ratePlot(r Result) figure {
	b := plot.Bars{Title: "events a second by point", Format: plot.Short, Unit: "events/s"}
	for _, p := range r.Points {
		if p.Kind != Find {
			b.Rows = append(b.Rows, plot.Bar{Label: p.Name, Parts: []float64{p.PerSecond()}, Bad: bad(p)})
		}
	}
	return drawn("Events a second", "Counted at the stores, or at the broker for what came back; wall time from first to last, start included.", b.SVG())
}

// cpuPlot shows what each process took of the CPU; the marker is what the
// floor's program took for the same events.
func cpuPlot(r Result) figure {
	b := plot.Bars{Title: "CPU per event by process", Series: r.processes(), Format: func(v float64) string { return plot.Short(v) }, Unit: "µs/event"}
	for _, p := range r.Points {
		if p.Kind == Find || p.AllCPU() == 0 {
			continue
		}
		bar := plot.Bar{Label: p.Name, Bad: bad(p)}
		for _, name := range b.Series {
			bar.Parts = append(bar.Parts, p.CPUPerEvent(name))
		}
		if f, ok := r.FloorOf(p); ok {
			bar.Mark = r.median(f.Name, Point.ProgramCPU)
			b.Marker = "floor of the program"
		}
		b.Rows = append(b.Rows, bar)
	}
	return drawn("CPU an event", "Microseconds of CPU by process, the program first. The marker is the least that a program could take: fetch, CRC, AES-GCM, SHA-256, two PUTs.", b.SVG())
}

// partitionsPlot shows whether cost stays flat as partitions grow: one line for
// each workload that was measured with more than one number of them.
func partitionsPlot(r Result) figure {
	lines := map[string]map[int][]float64{}
	for _, p := range r.Points {
		if !p.Usable() || p.Kind != Backlog && p.Kind != Live || p.Workload.Partitions < 1 || p.ProgramCPU() <= 0 {
			continue
		}
		key := familyOf(p)
		if lines[key] == nil {
			lines[key] = map[int][]float64{}
		}
		lines[key][p.Workload.Partitions] = append(lines[key][p.Workload.Partitions], p.ProgramCPU())
	}
	l := plot.Lines{Title: "CPU per event by partitions", X: "partitions", Y: "µs/event of the program", Format: plot.Short}
	for name, at := range lines {
		if len(at) > 1 {
			l.Series = append(l.Series, lineOf(name, at))
		}
	}
	slices.SortFunc(l.Series, func(a, b plot.Line) int { return cmp.Compare(a.Name, b.Name) })
	return drawn("Cost against partitions", "The archiver's CPU an event. Flat is good.", l.SVG())
}

// familyOf names what points have in common that differ in partitions only.
func familyOf(p Point) string {
	w, filter := p.Workload, "no filter"
	if p.Settings.KeyFilter {
		filter = "filter"
	}
	return strings.Join([]string{string(p.Kind), w.Format, w.Codec, fmt.Sprintf("%d B", w.EventBytes), filter}, " ")
}

func lineOf(name string, at map[int][]float64) plot.Line {
	line := plot.Line{Name: name}
	for partitions, values := range at {
		line.Points = append(line.Points, plot.Point{X: float64(partitions), Y: median(values)})
	}
	slices.SortFunc(line.Points, func(a, b plot.Point) int { return cmp.Compare(a.X, b.X) })
	return line
}

// tailPlot stacks p50, and what p99 and max add to it.
func tailPlot(r Result) figure {
	b := plot.Bars{Title: "age of the tail", Series: []string{"p50", "to p99", "to max"}, Format: plot.Short, Unit: "s"}
	for _, p := range r.Points {
		if t := p.TailAge; t != nil {
			parts := []float64{t.P50, max(t.P99-t.P50, 0), max(t.Max-t.P99, 0)}
			b.Rows = append(b.Rows, plot.Bar{Label: p.Name, Parts: parts, Bad: bad(p)})
		}
	}
	return drawn("Age of the tail", "Seconds from an event's timestamp to its being in both regions, seen at the stores.", b.SVG())
}
