package capacity

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"

	"github.com/tidemark-io/tidemark/bench/report/plot"
)

// CurvePoint is what a workload takes at another rate.
type CurvePoint struct {
	Rate      float64 `json:"events_per_second"` // average
	Cores     float64 `json:"cores_needed"`
	Instances int     `json:"instances"`
	Full      float64 `json:"month_at_full_retention"`
	First     string  `json:"limited_by"` // what a limit is broken, or ""
}

// Curve plans a workload at rates from a hundredth to a hundred times its own;
// the peak grows with the average.
func Curve(p Profile, w Workload, prices Prices) ([]CurvePoint, error) {
	var all []CurvePoint
	base, ratio := w.Average, w.Peak/w.Average
	for e := -8; e <= 8; e++ {
		w.Average = base * math.Pow(10, float64(e)/4)
		w.Peak = math.Max(w.Average*ratio, w.Average)
		if w.Peak > 1e10 || w.Average < 1e-3 {
			continue
		}
		plan, err := Make(p, w, prices)
		if err != nil {
			return nil, err
		}
		at := CurvePoint{Rate: w.Average, Cores: plan.CoresNeeded, Instances: plan.Instances, Full: plan.Full}
		if l, ok := plan.Met(); !ok {
			at.First = l.What
		}
		all = append(all, at)
	}
	return all, nil
}

// plots draws the cost and the cores of a curve.
func plots(curve []CurvePoint, currency string) []string {
	cost := plot.Line{Name: "a month at full retention"}
	cores, have := plot.Line{Name: "cores needed"}, plot.Line{Name: "instances"}
	for _, c := range curve {
		cost.Points = append(cost.Points, plot.Point{X: c.Rate, Y: c.Full})
		cores.Points = append(cores.Points, plot.Point{X: c.Rate, Y: c.Cores})
		have.Points = append(have.Points, plot.Point{X: c.Rate, Y: float64(c.Instances)})
	}
	return []string{
		plot.Lines{Title: "cost against rate", X: "events/s on average", Y: currency + " a month", LogY: true, Format: plot.Short, Series: []plot.Line{cost}}.SVG(),
		plot.Lines{Title: "cores against rate", X: "events/s on average", Y: "cores, instances", LogY: true, Format: plot.Short, Series: []plot.Line{cores, have}}.SVG(),
	}
}

// WriteSVG draws cost and cores against rate, one above the other.
func WriteSVG(w io.Writer, curve []CurvePoint, currency string) error {
	if _, err := io.WriteString(w, plot.File(plot.Stack(plots(curve, currency)...))); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	return nil
}

// WriteHTML writes the same as a page, with the plan's text below.
func WriteHTML(w io.Writer, p Plan, curve []CurvePoint, currency string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\n"+
		"<title>tidemark plan: %[1]s</title><style>body{max-width:900px;margin:40px auto;padding:0 20px;font:15px/1.5 system-ui,sans-serif}"+
		"pre{overflow-x:auto;font:12.5px/1.5 ui-monospace,Menlo,monospace}\n%[2]s</style></head><body>\n<h1>tidemark plan: %[1]s</h1>\n",
		html.EscapeString(p.Workload.Name), plot.Style)
	for _, svg := range plots(curve, currency) {
		b.WriteString(svg)
	}
	b.WriteString("<pre>")
	if err := p.WriteText(escaped{b}); err != nil {
		return err
	}
	b.WriteString("</pre>\n</body></html>\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	return nil
}

// escaped writes text into HTML.
type escaped struct{ w io.Writer }

func (e escaped) Write(p []byte) (int, error) {
	if _, err := io.WriteString(e.w, html.EscapeString(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
