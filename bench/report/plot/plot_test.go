package plot_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/bench/report/plot"
)

// wellFormed fails the test unless a browser's XML parser would take it.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
}

func bars(rows ...plot.Bar) plot.Bars {
	return plot.Bars{Title: "a <b> & c", Series: []string{"x & y", "z"}, Rows: rows, Format: plot.Short, Unit: "µs", Marker: "floor"}
}

func TestBars(t *testing.T) {
	svg := bars(plot.Bar{Label: "one <&>", Parts: []float64{1, 2}, Mark: 0.5}, plot.Bar{Label: "two", Parts: []float64{9}, Bad: "lost"}).SVG()
	wellFormed(t, plot.File(svg))
	for _, want := range []string{"one &lt;&amp;&gt;", "not valid: lost", `class="struck"`, `class="mark"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	if got := bars().SVG(); got != "" {
		t.Errorf("no rows make %q", got)
	}
}

func TestLines(t *testing.T) {
	svg := plot.Lines{Title: "t", X: "x", Y: "y", Format: plot.Short, Series: []plot.Line{
		{Name: "a <&>", Points: []plot.Point{{X: 1, Y: 5}, {X: 1000, Y: 7}}}, {Name: "flat", Points: []plot.Point{{X: 10, Y: 5}}},
	}}.SVG()
	wellFormed(t, plot.File(svg))
	if strings.Count(svg, "<circle") != 3 || strings.Count(svg, "<polyline") != 2 {
		t.Errorf("points or lines are missing:\n%s", svg)
	}
	if got := (plot.Lines{}).SVG(); got != "" {
		t.Errorf("no points make %q", got)
	}
}

// What cannot be drawn must not hang or spoil a page.
func TestOddValues(t *testing.T) {
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(1), 1e-300, 1e300} {
		svg := bars(plot.Bar{Label: "odd", Parts: []float64{v, 1}}).SVG() +
			plot.Lines{Format: plot.Short, LogY: true, Series: []plot.Line{{Name: "l", Points: []plot.Point{{X: v, Y: v}}}}}.SVG()
		if strings.Contains(svg, `="NaN"`) || strings.Contains(svg, "Inf\"") {
			t.Errorf("%v: no coordinate:\n%s", v, svg)
		}
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.25: "0.25", 999: "999", 1500: "1.5 k", 1e6: "1 M", 2.5e9: "2.5 G", 1e14: "100 T"} {
		if got := plot.Short(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
