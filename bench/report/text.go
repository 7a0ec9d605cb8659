package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// dash stands where nothing was measured.
const dash = "–"

// perSecond writes a rate as people say it: "1.02 M", "345 k", "87".
func perSecond(v float64) string {
	switch {
	case v <= 0:
		return dash
	case v >= 999_500:
		return strconv.FormatFloat(v/1e6, 'f', 2, 64) + " M"
	case v >= 10_000:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + " k"
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return significant(v)
}

// significant writes three digits that mean something.
func significant(v float64) string {
	if v <= 0 {
		return dash
	}
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func seconds(v float64) string {
	switch {
	case v <= 0:
		return dash
	case v < 1:
		return significant(v*1000) + " ms"
	}
	return significant(v) + " s"
}

func size(n int64) string {
	if n <= 0 {
		return dash
	}
	return humanize.IBytes(uint64(n))
}

func ratio(v float64) string {
	if v <= 0 {
		return dash
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// losses says what a check found, "none of 3,000,000" as a rule.
func losses(c *Check) string {
	switch {
	case c == nil:
		return dash
	case c.clean():
		return "none of " + humanize.Comma(c.Expected)
	}
	return fmt.Sprintf("%s lost, %s twice, %s changed of %s", humanize.Comma(c.Lost), humanize.Comma(c.Twice),
		humanize.Comma(c.Changed), humanize.Comma(c.Expected))
}

// describe says in a line what a point worked on.
func describe(p Point) string {
	w := p.Workload
	parts := []string{fmt.Sprintf("%s of %d B", w.Format, w.EventBytes), w.Codec}
	if w.Ratio > 1 {
		parts[1] += fmt.Sprintf(" %.1f×", w.Ratio)
	}
	parts = append(parts, fmt.Sprintf("%d partitions", w.Partitions))
	if w.Transactions {
		parts = append(parts, "transactions")
	}
	if w.Rate > 0 {
		parts = append(parts, perSecond(w.Rate)+"/s asked")
	}
	if p.Settings.KeyFilter {
		parts = append(parts, "filter")
	}
	return strings.Join(parts, ", ")
}

// processes are all processes of all points, the program's first.
func (r Result) processes() []string {
	var all Point
	for _, p := range r.Points {
		all.Processes = append(all.Processes, p.Processes...)
	}
	return all.processNames()
}
