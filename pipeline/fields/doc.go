// Package fields reads named fields of record values, such as the customer of
// an order, so that records can be found by them.
//
// A [Rule] is a field's name and the paths at which it stands (package values
// has their syntax): one for plain events, after.email and before.email for
// Debezium's. A [Set] of rules reads values for the filters of segments as they
// are sealed, and again when what a filter let through is looked at: both must
// see the same, so both are this package.
//
// # What is a value of a field
//
// Texts, numbers, true and false that a path leads to; null, objects and
// missing places are none. Where a path meets an array without saying a place
// in it, it goes into each element: customer.emails and items.sku find every
// one. In the JSON of Kafka Connect, {"schema":…,"payload":…}, a path begins at
// the payload, or at the top. A key that is given twice counts twice. A record
// has the field's value if any path leads to it.
//
// # When two values are the same
//
// When their canonical forms are equal, byte for byte. A text's is its bytes,
// escapes undone; true and false are those words; a number's is the same for
// all numbers equal to it (number.go): 42, 42.0 and 4.2e1 are one, and the
// text "42" is the same. Texts are not folded, trimmed or normalised.
//
// # What cannot be read
//
// A value that is neither JSON (RFC 8259; in Confluent's frame or without) nor
// read by a decoder cannot be read. The filter of its block then says nothing
// of fields, so that a search looks into the block; the search counts the
// record, for it cannot know whether it is one that was looked for.
//
// # What it costs
//
// Nothing where no field is configured. Else a value is read once, however many
// fields there are: 0.83 µs for an order of 237 bytes with one field and 0.92 with
// three, where gjson took 0.93 to check that it is JSON and encoding/json 2.7, in
// one run, without an allocation (two AMD EPYC cores that others used at the same
// time, all of it slower for that; 2026-11-22, `go test -bench Read
// ./pipeline/fields`). Of sealing orders with key filters, in CPU time of that
// machine (`-bench Seal`, medians of three runs):
//
//	                         no field   one field   three fields
//	zstd from the producer    0.88 µs     2.1 µs      2.6 µs
//	compressed by tidemark    2.9 µs      4.3 µs      4.7 µs
//	filter, bytes an event    1.4         2.5         4.6, each value another
package fields
