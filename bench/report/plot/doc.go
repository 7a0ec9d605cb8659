// Package plot draws the few kinds of charts that results need, as SVG: bars,
// stacked or not, and lines. An SVG has no script and no outside reference, and
// its colours follow the reader's light or dark setting.
//
// It is small because its charts are. A chart here takes its colours from the
// page around it, marks what is not valid, and needs no script.
//
// [Bars.SVG] and [Lines.SVG] are for a page that holds [Style] once; [File]
// makes one a file of its own.
package plot

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Style is the style sheet of all charts. The colours of series are those of
// Okabe and Ito, which people who see few colours can tell apart.
const Style = `.plot{width:100%;font:12px/1.4 system-ui,-apple-system,"Segoe UI",sans-serif;max-width:100%;height:auto;
--fg:#1c2330;--soft:#667085;--grid:#e4e7ec;--c0:#0072b2;--c1:#e69f00;--c2:#009e73;--c3:#cc79a7;--c4:#8c9bab;--c5:#d55e00;--c6:#56b4e9;--mark:#c01048}
@media(prefers-color-scheme:dark){.plot{--fg:#e6e9ef;--soft:#98a2b3;--grid:#2f3644;--c0:#4da3e0;--c1:#f0b429;--c2:#2fc79a;--c3:#e29cc4;--c4:#8794a8;--c5:#f07a3c;--c6:#8cd0f5;--mark:#ff5c8a}}
.plot text{fill:var(--fg)}.plot .soft{fill:var(--soft)}.plot .grid{stroke:var(--grid);stroke-width:1}.plot .mark{stroke:var(--mark);stroke-width:2}
.plot .struck{text-decoration:line-through;fill:var(--soft)}.plot .bad{opacity:.3}
.plot .c0{fill:var(--c0)}.plot .c1{fill:var(--c1)}.plot .c2{fill:var(--c2)}.plot .c3{fill:var(--c3)}.plot .c4{fill:var(--c4)}.plot .c5{fill:var(--c5)}.plot .c6{fill:var(--c6)}
.plot polyline.line{fill:none;stroke-width:2}.plot polyline.c0{stroke:var(--c0)}.plot polyline.c1{stroke:var(--c1)}.plot polyline.c2{stroke:var(--c2)}
.plot polyline.c3{stroke:var(--c3)}.plot polyline.c4{stroke:var(--c4)}.plot polyline.c5{stroke:var(--c5)}.plot polyline.c6{stroke:var(--c6)}`

// colours is how many series have a colour of their own.
const colours = 7

const (
	width  = 860.0 // of every chart, in SVG units
	letter = 6.6   // the width of a letter, about
)

// canvas collects the elements of an SVG.
type canvas struct{ strings.Builder }

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

func (c *canvas) text(x, y float64, anchor, class, s string) {
	c.add(`<text x="%s" y="%s" text-anchor="%s" class="%s">%s</text>`, num(x), num(y), anchor, class, html.EscapeString(s))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	c.add(`<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`, num(x1), num(y1), num(x2), num(y2), class)
}

func (c *canvas) box(x, y, w, h float64, class, title string) {
	c.add(`<rect x="%s" y="%s" width="%s" height="%s" class="%s"><title>%s</title></rect>`,
		num(x), num(y), num(max(w, 0)), num(h), class, html.EscapeString(title))
}

// svg closes the drawing. The title is what a screen reader says.
func (c *canvas) svg(title string, height float64) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">`,
		num(width), num(height), num(width), num(height), html.EscapeString(title)) + "\n" + c.String() + "</svg>\n"
}

// legend names the series, above a chart.
func (c *canvas) legend(x, y float64, names []string) {
	for i, name := range names {
		c.box(x, y-9, 10, 10, series(i), name)
		c.text(x+15, y, "start", "", name)
		x += 15 + letter*float64(len([]rune(name))) + 18
	}
}

// File makes a chart a file of its own.
func File(svg string) string {
	head, rest, _ := strings.Cut(svg, "\n")
	return head + "\n<style>" + Style + "</style>\n" + rest
}

func series(i int) string { return "c" + strconv.Itoa(i%colours) }

// num writes a coordinate; what is no number would spoil the whole drawing.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// sane keeps what cannot be drawn, below zero or no number, at zero, and what
// is out of all proportion at its end.
func sane(v float64) float64 {
	if math.IsNaN(v) || v < 1e-18 {
		return 0
	}
	return min(v, 1e18)
}

// ticks are round numbers from 0 to at least most.
func ticks(most float64) []float64 {
	if most = sane(most); most == 0 {
		most = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(most/4)))
	for _, f := range []float64{1, 2, 2.5, 5, 10} {
		if most/(step*f) <= 5 {
			step *= f
			break
		}
	}
	var all []float64
	for i := 0; ; i++ {
		all = append(all, float64(i)*step)
		if float64(i)*step >= most*(1-1e-9) {
			return all
		}
	}
}

// decades are the powers of ten that enclose [low, high].
func decades(low, high float64) []float64 {
	low, high = sane(low), sane(high)
	if low == 0 || high < low {
		low, high = 1, 10
	}
	from, to := math.Floor(math.Log10(low)+1e-9), math.Ceil(math.Log10(high)-1e-9)
	if to == from {
		to++
	}
	var all []float64
	for e := from; e <= to; e++ {
		all = append(all, math.Pow(10, e))
	}
	return all
}

// Short writes a number for an axis: 1 M, 250 k, 0.5.
func Short(v float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if math.Abs(v) >= u.size*(1-1e-9) {
			return strconv.FormatFloat(v/u.size, 'g', 3, 64) + u.name
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Stack puts charts below each other in one SVG.
func Stack(svgs ...string) string {
	c, y := &canvas{}, 0.0
	for _, svg := range svgs {
		var h float64
		if _, rest, ok := strings.Cut(svg, ` height="`); ok {
			digits, _, _ := strings.Cut(rest, `"`)
			h, _ = strconv.ParseFloat(digits, 64) // ours
		}
		c.add(`<svg y="%s" %s`, num(y), strings.TrimPrefix(svg, "<svg "))
		y += h + 12
	}
	return c.svg("charts", y)
}
