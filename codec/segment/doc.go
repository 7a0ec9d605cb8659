// Package segment writes and reads segments, the immutable objects that hold
// a run of offsets of one partition. codec/FORMAT.md specifies every byte:
//
//	header   in clear: format, algorithms, identity, where the secret is
//	blocks   sealed: consecutive batches, exactly as the broker sent them
//	filters  sealed: may a block hold this record key?
//	footer   in clear: the header again, and for each block position, offsets,
//	         counts, times, SHA-256 and commitment
//	trailer  signer and signature over the footer, its length
//
// A [Writer] takes batches in offset order and gives the whole object at
// [Writer.Close], with its name. A [Reader] begins at the end: one read of the
// tail is enough to know and to prove everything about a segment but its bodies.
//
// Nothing that is read is believed before its check: the signature covers the
// footer, the footer covers the bodies, and a body leaves [Reader.Block] only
// when its SHA-256, its key and its place are right.
package segment
