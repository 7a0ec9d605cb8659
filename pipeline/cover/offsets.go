package cover

import (
	"fmt"
	"slices"
)

// Offsets is the range [Base, Next) of a partition.
type Offsets struct {
	Base int64 `json:"base"`
	Next int64 `json:"next"`
}

func (o Offsets) String() string { return fmt.Sprintf("[%d, %d)", o.Base, o.Next) }

// empty reports whether there is no offset in the range.
func (o Offsets) empty() bool { return o.Next <= o.Base }

// clip returns the part of o that is in w.
func (o Offsets) clip(w Offsets) Offsets {
	return Offsets{max(o.Base, w.Base), min(o.Next, w.Next)}
}

// Coverage is a set of offsets. The zero value is empty.
type Coverage struct {
	// runs are sorted, not empty, and do not touch.
	runs []Offsets
}

// Add puts a range into the set.
func (c *Coverage) Add(o Offsets) {
	if o.empty() {
		return
	}
	from, _ := slices.BinarySearchFunc(c.runs, o.Base, func(r Offsets, base int64) int { return compare(r.Next, base) })
	to := from
	for to < len(c.runs) && c.runs[to].Base <= o.Next {
		o = Offsets{min(o.Base, c.runs[to].Base), max(o.Next, c.runs[to].Next)}
		to++
	}
	c.runs = slices.Replace(c.runs, from, to, o)
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Runs returns the set as ranges, sorted, that do not touch.
func (c *Coverage) Runs() []Offsets { return slices.Clone(c.runs) }

// Missing returns what of a range is not in the set, sorted.
func (c *Coverage) Missing(o Offsets) []Offsets {
	var out []Offsets
	at := o.Base
	from, _ := slices.BinarySearchFunc(c.runs, o.Base, func(r Offsets, base int64) int { return compare(r.Next, base) })
	for _, r := range c.runs[from:] {
		if r.Base >= o.Next {
			break
		}
		if at < r.Base {
			out = append(out, Offsets{at, r.Base})
		}
		at = max(at, r.Next)
	}
	if at < o.Next {
		out = append(out, Offsets{at, o.Next})
	}
	return out
}

// forget drops what lies below an offset.
func (c *Coverage) forget(below int64) {
	n := 0
	for n < len(c.runs) && c.runs[n].Next <= below {
		n++
	}
	c.runs = c.runs[n:]
}

// holes returns the ranges between the runs.
func (c *Coverage) holes() []Offsets {
	var out []Offsets
	for i := 1; i < len(c.runs); i++ {
		out = append(out, Offsets{c.runs[i-1].Next, c.runs[i].Base})
	}
	return out
}
