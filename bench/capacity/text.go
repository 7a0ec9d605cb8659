package capacity

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// WriteText writes the plan for a person.
func (p Plan) WriteText(w io.Writer) error {
	b := &text{w: bufio.NewWriter(w)}
	b.line("%s: %s events/s, at the peak %s, of %d B, %d partitions, %d regions, %s days", p.Workload.Name, count(p.Workload.Average),
		count(p.Workload.Peak), p.Workload.EventBytes, p.Workload.Partitions, p.Workload.Regions, count(p.Workload.RetentionDays))
	b.line("measured: %s", p.Profile)
	b.line("prices:   %s", p.Prices)
	p.writeMachines(b)
	p.writeObjects(b)
	p.writeTimes(b)
	p.writeBill(b)
	p.writeLimits(b)
	if err := b.w.Flush(); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}

func (p Plan) writeMachines(b *text) {
	m := p.Workload.Machine
	b.title("machines")
	b.pair("instances", fmt.Sprintf("%d of %s cores, %s, %s Gbit/s", p.Instances, count(m.Cores), size(float64(m.Memory)), count(m.Network)))
	b.pair("cores", fmt.Sprintf("%s busy on average, %s at the peak; %s needed to keep %.0f %% busy", count(p.CoresBusy), count(p.CoresPeak), count(p.CoresNeeded), m.Busy*100))
	b.pair("of these for the roll-up", count(p.RollUpCores)+" on average")
	b.pair("CPU an event", fmt.Sprintf("%s µs at the peak", count(p.CPUPerEvent)))
	b.pair("memory of an instance", size(p.MemoryEach))
	for _, t := range p.Network {
		b.pair("network, "+t.Place, fmt.Sprintf("in %s/s, out %s/s", size(t.In), size(t.Out)))
	}
}

func (p Plan) writeObjects(b *text) {
	b.title("objects and requests")
	b.pair("a segment", fmt.Sprintf("open for %s, closed by %s, %s", span(p.SegmentSeconds), p.ClosedBy, size(p.SegmentBytes)))
	b.pair("objects of a region", fmt.Sprintf("%s a day; %s kept (%s without a roll-up)", count(p.Objects.PerDay), count(p.Objects.Kept), count(p.Objects.KeptPlain)))
	b.pair("requests a month", fmt.Sprintf("%s PUT, %s GET, %s LIST, %s KMS", count(p.Requests.Put), count(p.Requests.Get), count(p.Requests.List), count(p.Requests.KMS)))
	b.pair("stored", fmt.Sprintf("%s B an event and region; %s a day, %s after a year, %s at full retention", count(p.Stored.PerEvent), size(p.Stored.PerDay), size(p.Stored.Year), size(p.Stored.Full)))
	b.pair("local index", size(p.Objects.IndexBytes))
}

func (p Plan) writeTimes(b *text) {
	b.title("times")
	b.pair("recovery point", span(p.RecoveryPoint)+" (Kafka and the archiver lost together)")
	b.pair("after an hour's outage", "caught up in "+span(p.CatchUpAverage)+", after an hour at the peak in "+span(p.CatchUpPeak))
	b.pair("restore of a day", span(p.RestoreDay))
}

func (p Plan) writeBill(b *text) {
	b.title("a month's cost")
	rows := [][]string{{"", "quantity", "", "price", "first month", "month 12", "full retention"}}
	for _, l := range p.Monthly {
		rows = append(rows, []string{l.What, count(l.Quantity), l.Unit, fmt.Sprintf("%g", l.Price), money(l.First), money(l.Year), money(l.Full)})
	}
	rows = append(rows, []string{"total", "", "", "", money(p.First), money(p.Year), money(p.Full)})
	b.table(rows, 0, 2)
}

func (p Plan) writeLimits(b *text) {
	b.title("what limits first")
	rows := [][]string{}
	for _, l := range p.Limits {
		rows = append(rows, []string{l.What, amount(l.Use, l.Unit), "of " + amount(l.Most, l.Unit), fmt.Sprintf("%.3g %%", l.Share*100), l.effect()})
	}
	b.table(rows, 0, 4)
}

// effect is what to do, once there is something to do.
func (l Limit) effect() string {
	switch {
	case l.Share > 1 && l.Slows:
		return "slower or dearer: " + l.Advice
	case l.Share > 1:
		return "TOO MUCH: " + l.Advice
	case l.Share > 0.5:
		return l.Advice
	}
	return ""
}

func amount(v float64, unit string) string {
	if unit == "B" || unit == "B/s" {
		return size(v) + strings.TrimPrefix(unit, "B")
	}
	return count(v) + " " + unit
}

// WriteText writes a check for a person, what is out of tolerance marked.
func (c Check) WriteText(w io.Writer) error {
	b := &text{w: bufio.NewWriter(w)}
	rows := [][]string{{"point", "figure", "predicted", "measured", "", "error", ""}}
	for _, f := range c.Figures {
		mark := ""
		switch {
		case f.Shown:
			mark = "shown only"
		case f.Off():
			mark = "off"
		}
		rows = append(rows, []string{f.Point, f.Figure, count(f.Predicted), count(f.Measured), f.Unit, fmt.Sprintf("%+.1f %%", f.Error*100), mark})
	}
	b.table(rows, 0, 1, 4, 6)
	b.line("")
	b.line("%d points, each predicted from the others; %d of %d figures are more than %.0f %% off", c.Points, c.Off, c.Judged, Tolerance*100)
	if err := b.w.Flush(); err != nil {
		return fmt.Errorf("print check: %w", err)
	}
	return nil
}

// text writes lines, titles and aligned columns. The writer keeps its error.
type text struct{ w *bufio.Writer }

func (t *text) line(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }
func (t *text) title(s string)                  { t.line("\n%s", s) }
func (t *text) pair(what, value string)         { t.line("  %-26s  %s", what, value) }

// table aligns columns; those in left to the left, others to the right.
func (t *text) table(rows [][]string, left ...int) {
	wide := map[int]int{}
	for _, r := range rows {
		for i, c := range r {
			wide[i] = max(wide[i], utf8.RuneCountInString(c))
		}
	}
	isLeft := map[int]bool{}
	for _, i := range left {
		isLeft[i] = true
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			pad := strings.Repeat(" ", wide[i]-utf8.RuneCountInString(c))
			if isLeft[i] {
				c += pad
			} else {
				c = pad + c
			}
			b.WriteString("  " + c)
		}
		t.line("%s", strings.TrimRight(b.String(), " "))
	}
}

// count writes three digits with thousands in words people know.
func count(v float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, " T"}, {1e9, " G"}, {1e6, " M"}} {
		if math.Abs(v) >= u.size*0.9995 {
			return fmt.Sprintf("%.3g", v/u.size) + u.name
		}
	}
	if math.Abs(v) >= 999.5 {
		return humanize.Comma(int64(math.Round(v)))
	}
	return fmt.Sprintf("%.3g", v)
}

func size(v float64) string {
	if v < 1024 {
		return fmt.Sprintf("%.3g B", v)
	}
	return humanize.IBytes(uint64(math.Min(v, math.MaxInt64)))
}

func money(v float64) string { return humanize.FormatFloat("#,###.##", v) }

// span writes seconds; below zero is never.
func span(s float64) string {
	switch {
	case s < 0:
		return "never"
	case s < 1:
		return fmt.Sprintf("%.0f ms", s*1000)
	case s < 120:
		return fmt.Sprintf("%.3g s", s)
	case s < 100*3600:
		return time.Duration(s * 1e9).Round(time.Second).String()
	}
	return fmt.Sprintf("%.3g days", s/secondsADay)
}
