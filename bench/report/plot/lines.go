package plot

import (
	"slices"
	"strings"
)

// Lines is a chart of lines over a logarithmic x axis.
type Lines struct {
	Title  string // for those who cannot see it
	X, Y   string // what the axes are
	LogY   bool
	Format func(float64) string // of the y axis
	Series []Line
}

// Line is one series; its points are in the order of X, both above zero.
type Line struct {
	Name   string
	Points []Point
}

// Point is one point of a line.
type Point struct{ X, Y float64 }

const (
	linesHeight = 300.0
	linesLeft   = 76.0
	linesTop    = 48.0
	linesBottom = 44.0 // below the plot
)

// SVG draws the chart; "" if there is no point.
func (l Lines) SVG() string {
	xs, ys := l.values()
	if len(xs) == 0 {
		return ""
	}
	c := &canvas{}
	x := logAxis(decades(slices.Min(xs), slices.Max(xs)), linesLeft, width-16)
	y := linearAxis(ticks(slices.Max(ys)), linesHeight-linesBottom, linesTop)
	if l.LogY {
		y = logAxis(decades(slices.Min(ys), slices.Max(ys)), linesHeight-linesBottom, linesTop)
	}
	l.axes(c, x, y)
	names := make([]string, len(l.Series))
	for i, s := range l.Series {
		names[i] = s.Name
		l.draw(c, i, s, x, y)
	}
	c.legend(linesLeft, 14, names)
	return c.svg(l.Title, linesHeight)
}

func (l Lines) axes(c *canvas, x, y axis) {
	for _, t := range x.ticks {
		c.line(x.at(t), linesTop, x.at(t), linesHeight-linesBottom, "grid")
		c.text(x.at(t), linesHeight-linesBottom+16, "middle", "soft", Short(t))
	}
	for _, t := range y.ticks {
		c.line(linesLeft, y.at(t), width-16, y.at(t), "grid")
		c.text(linesLeft-8, y.at(t)+4, "end", "soft", l.Format(t))
	}
	c.text((linesLeft+width)/2, linesHeight-6, "middle", "soft", l.X)
	c.text(8, linesTop-14, "start", "soft", l.Y)
}

func (l Lines) draw(c *canvas, i int, s Line, x, y axis) {
	var at []string
	for _, p := range s.Points {
		at = append(at, num(x.at(p.X))+","+num(y.at(p.Y)))
	}
	c.add(`<polyline class="line %s" points="%s"/>`, series(i), strings.Join(at, " "))
	for _, p := range s.Points {
		c.add(`<circle cx="%s" cy="%s" r="3.5" class="%s"><title>`, num(x.at(p.X)), num(y.at(p.Y)), series(i))
		c.add("%s</title></circle>", strings.NewReplacer("<", "", "&", "").Replace(s.Name+": "+l.Format(p.Y)+" at "+Short(p.X)))
	}
}

func (l Lines) values() (xs, ys []float64) {
	for _, s := range l.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	return xs, ys
}
