package plot

// Bars is a chart of horizontal bars, one a row.
type Bars struct {
	Title  string   // for those who cannot see it
	Series []string // what the parts of each bar are; none for one part
	Rows   []Bar
	Format func(float64) string // of the axis and of the values
	Unit   string
	// Marker says what a row's Mark means, such as "floor".
	Marker string
}

// Bar is one row.
type Bar struct {
	Label string
	Parts []float64 // one for each series, from left to right
	Mark  float64   // where to draw a marker; 0 for none
	Bad   string    // why the row is not valid; such a row is struck and pale
}

func (b Bar) sum() float64 {
	var s float64
	for _, p := range b.Parts {
		s += sane(p)
	}
	return s
}

const (
	rowHeight = 24.0
	barHeight = 15.0
	barsRight = 90.0 // room for the value behind a bar
)

// SVG draws the chart; "" if there is no row.
func (b Bars) SVG() string {
	if len(b.Rows) == 0 {
		return ""
	}
	c, left, top := &canvas{}, b.left(), 12.0
	if names := b.legendNames(); len(names) > 0 {
		c.legend(left, 12, names)
		if b.Marker != "" {
			c.line(width-150, 3, width-150, 13, "mark")
			c.text(width-142, 12, "start", "", b.Marker)
		}
		top = 30
	}
	axis := ticks(b.most())
	scale := (width - left - barsRight) / axis[len(axis)-1]
	bottom := top + rowHeight*float64(len(b.Rows))
	for _, t := range axis {
		c.line(left+t*scale, top, left+t*scale, bottom, "grid")
		c.text(left+t*scale, bottom+15, "middle", "soft", b.Format(t))
	}
	c.text(width, bottom+15, "end", "soft", b.Unit)
	for i, r := range b.Rows {
		b.row(c, r, left, top+rowHeight*float64(i), scale)
	}
	return c.svg(b.Title, bottom+22)
}

func (b Bars) legendNames() []string {
	if len(b.Series) == 0 && b.Marker != "" {
		return []string{b.Unit}
	}
	return b.Series
}

func (b Bars) row(c *canvas, r Bar, left, y, scale float64) {
	label, bar := "", ""
	if r.Bad != "" {
		label, bar = "struck", " bad"
	}
	c.text(left-8, y+16, "end", label, shorten(r.Label, 44))
	x := left
	for i, p := range r.Parts {
		p = sane(p)
		name := r.Label
		if i < len(b.Series) {
			name += ", " + b.Series[i]
		}
		c.box(x, y+4, p*scale, barHeight, series(i)+bar, name+": "+b.Format(p)+" "+b.Unit+reason(r))
		x += p * scale
	}
	if m := sane(r.Mark); m > 0 {
		c.line(left+m*scale, y+1, left+m*scale, y+rowHeight-2, "mark")
		x = max(x, left+m*scale)
	}
	value := b.Format(r.sum())
	if r.Bad != "" {
		value = "not valid"
	}
	c.text(x+6, y+16, "start", "soft", value)
}

func reason(r Bar) string {
	if r.Bad == "" {
		return ""
	}
	return " (not valid: " + r.Bad + ")"
}

// left is the room for the longest label.
func (b Bars) left() float64 {
	most := 0
	for _, r := range b.Rows {
		most = max(most, len([]rune(shorten(r.Label, 44))))
	}
	return min(letter*float64(most)+14, width*0.4)
}

func (b Bars) most() float64 {
	most := 0.0
	for _, r := range b.Rows {
		most = max(most, r.sum(), sane(r.Mark))
	}
	return most
}

func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
