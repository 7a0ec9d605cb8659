package events

import (
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Findings count what a check found. Only Matched may be above 0.
type Findings struct {
	// Expected records should have come, Matched came as they should.
	Expected, Matched int64
	// Lost records did not come.
	Lost int64
	// Doubled records came again.
	Doubled int64
	// OutOfOrder records came after one that stands behind them.
	OutOfOrder int64
	// Changed records came with another key, value, header or timestamp. By
	// order, where the place does not tell what was meant, a changed record
	// counts as Unknown and what it was as Lost.
	Changed int64
	// AbortedSeen records belong to a transaction that was aborted.
	AbortedSeen int64
	// Unknown records were never produced, or not with this outcome and time.
	Unknown int64
	// First tells of the first finding in words.
	First string
}

// Clean is true when every record came once, as it was and in order.
func (f Findings) Clean() bool { return f.Matched == f.Expected && f.First == "" }

// Add counts the findings of another check to these.
func (f *Findings) Add(o Findings) {
	f.Expected += o.Expected
	f.Matched += o.Matched
	f.Lost += o.Lost
	f.Doubled += o.Doubled
	f.OutOfOrder += o.OutOfOrder
	f.Changed += o.Changed
	f.AbortedSeen += o.AbortedSeen
	f.Unknown += o.Unknown
	if f.First == "" {
		f.First = o.First
	}
}

func (f *Findings) find(counter *int64, format string, args ...any) {
	*counter++
	if f.First == "" {
		f.First = fmt.Sprintf(format, args...)
	}
}

// Check compares the records of one partition, in the order in which somebody
// read them, with the ledger. It is not safe for concurrent use.
type Check struct {
	at       Place
	page     *page
	summer   Summer
	seen     []bool // by offset
	last     int64  // highest offset that came
	findings Findings
}

// CheckByOffset begins a comparison where offsets are the source's own, as in
// the archive.
func (l *Ledger) CheckByOffset(at Place) *Check {
	p := l.page(at)
	return &Check{at: at, page: p, seen: make([]bool, len(p.outcomes)), last: -1}
}

// Take compares the next record.
func (c *Check) Take(r recordbatch.Record) {
	f := &c.findings
	switch o := r.Offset; {
	case o < 0 || o >= int64(len(c.seen)) || c.page.outcomes[o] == nothing:
		f.find(&f.Unknown, "%s offset %d was never produced", c.at, o)
	case c.page.outcomes[o] == Aborted:
		f.find(&f.AbortedSeen, "%s offset %d belongs to an aborted transaction", c.at, o)
	case c.seen[o]:
		f.find(&f.Doubled, "%s offset %d came twice", c.at, o)
	default:
		c.take(r)
	}
	c.last = max(c.last, r.Offset)
}

func (c *Check) take(r recordbatch.Record) {
	f := &c.findings
	c.seen[r.Offset] = true
	switch {
	case c.summer.Sum(r) != c.page.entries[r.Offset].Sum:
		f.find(&f.Changed, "%s offset %d came back changed", c.at, r.Offset)
	case r.Offset < c.last:
		f.find(&f.OutOfOrder, "%s offset %d came after %d", c.at, r.Offset, c.last)
	default:
		f.Matched++
	}
}

// Finish says what was found, when all records were taken.
func (c *Check) Finish() Findings {
	f := c.findings
	for o, outcome := range c.page.outcomes {
		if outcome != Committed {
			continue
		}
		f.Expected++
		if !c.seen[o] {
			f.find(&f.Lost, "%s offset %d is lost", c.at, o)
		}
	}
	return f
}

// OrderCheck compares a partition whose offsets are not the source's, such as a
// restored one: by order and content. It is not safe for concurrent use.
type OrderCheck struct {
	at       Place
	expected []Sum
	seen     []bool
	next     int           // behind the last record that came in order
	places   map[Sum][]int // of expected; made at the first finding
	summer   Summer
	findings Findings
}

// CheckByOrder begins a comparison with the committed records of a partition
// that are stamped at or before a moment (ms).
func (l *Ledger) CheckByOrder(at Place, to int64) *OrderCheck {
	return l.CheckChosen(at, func(_ int64, e Entry) bool { return e.Timestamp <= to })
}

// CheckChosen is CheckByOrder with the committed records that chosen says yes
// to, by their offset.
func (l *Ledger) CheckChosen(at Place, chosen func(offset int64, e Entry) bool) *OrderCheck {
	p := l.page(at)
	c := &OrderCheck{at: at}
	for o, outcome := range p.outcomes {
		if outcome == Committed && chosen(int64(o), p.entries[o]) {
			c.expected = append(c.expected, p.entries[o].Sum)
		}
	}
	c.seen = make([]bool, len(c.expected))
	c.findings.Expected = int64(len(c.expected))
	return c
}

// Take compares the next record.
func (c *OrderCheck) Take(r recordbatch.Record) {
	sum := c.summer.Sum(r)
	if c.next < len(c.expected) && c.expected[c.next] == sum && !c.seen[c.next] {
		c.seen[c.next] = true
		c.next++
		c.findings.Matched++
		return
	}
	c.search(r, sum)
}

// search finds where a record belongs that is not the next one.
func (c *OrderCheck) search(r recordbatch.Record, sum Sum) {
	f := &c.findings
	places := c.index()[sum]
	if len(places) == 0 {
		f.find(&f.Unknown, "%s: record %d was never produced like this", c.at, r.Offset)
		return
	}
	free := slices.IndexFunc(places, func(i int) bool { return !c.seen[i] && i >= c.next })
	if free >= 0 { // those before it may still come
		c.next = places[free] + 1
		c.seen[places[free]] = true
		f.Matched++
		return
	}
	if free = slices.IndexFunc(places, func(i int) bool { return !c.seen[i] }); free >= 0 {
		c.seen[places[free]] = true
		f.find(&f.OutOfOrder, "%s: record %d came too late", c.at, r.Offset)
		return
	}
	f.find(&f.Doubled, "%s: record %d came twice", c.at, r.Offset)
}

func (c *OrderCheck) index() map[Sum][]int {
	if c.places == nil {
		c.places = make(map[Sum][]int, len(c.expected))
		for i, s := range c.expected {
			c.places[s] = append(c.places[s], i)
		}
	}
	return c.places
}

// Finish says what was found, when all records were taken.
func (c *OrderCheck) Finish() Findings {
	f := c.findings
	for i, seen := range c.seen {
		if !seen {
			f.find(&f.Lost, "%s: of the %d expected records, number %d is lost", c.at, len(c.expected), i)
		}
	}
	return f
}
