// Package report is what a bench found: its result file, and what a person
// reads of it.
//
// A [Result] is one run on one machine; it has [Point]s, each of which
// measured one thing. Everything in a point is counted from outside: at the
// stores, by the operating system, at the broker. What a program says of
// itself has no place here. A point that broke a rule says so in its verdict,
// and no figure of it may be quoted.
package report
