// Package heal makes the regions of an archive equal, by copying what one of
// them lacks.
//
// It never spreads a bad object: what it copies has verified in the region it
// comes from, down to the SHA-256 of every block, and arrives byte for byte. The
// key page goes first, since a segment does not count in a region without it.
// A key page is never put together here: [KeyHealer] copies it and has the key
// above it wrapped by the region's own KMS.
//
// What is damaged stays. Names are written once, so bad bytes under a name are
// a finding that says what a person can do, while readers use another copy.
//
// [Healer.Run] goes through everything, with a look at every object.
// [Healer.Tail] serves an archiver, one partition from an offset on.
package heal
