// Package rollup makes large segments of many small ones, and lets the small
// ones lapse.
//
// An archiver closes a segment every few seconds: half a million objects a day
// for 64 partitions. They are locked for a few days only. Once a span of time (an
// hour, a day) is over and those days are, too, a [Roller] reads what a partition
// got in it, through the cover rule and from both regions, and seals it again
// as few large segments. These carry the long lock, and the retention date of
// what they hold. A signed page of the partition's catalogue says which they are
// and what each was made from. Then the small ones may go.
//
// [Roller.Plan] says what there is to do, [Roller.Execute] does it. What is
// rolled up together follows from the segments' own signed headers, a size and a
// count: every writer decides the same. Two that work at once do no harm but to
// the bill: both results are true copies.
//
// The order in which a span becomes durable stands in one function,
// (*Roller).window, and the one in which small segments lapse in another,
// (*lapsing).roll.
package rollup
