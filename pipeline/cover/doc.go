// Package cover is the one reader of an archive: restore, cat, verify, heal and
// find all look through it.
//
// An archive is a set of true copies of offset ranges, spread over regions.
// Package cover answers three questions about one partition:
//
//   - What is there? [Archive.Map] lists the candidates: names, which say what
//     offsets an object claims to hold. A name proves nothing.
//   - Does this object count? [Archive.Verify] says so of one object in one
//     region: signed, whole, under its own name, with its key page beside it.
//   - What are the records? [Archive.Read] yields every offset once, from any
//     copy that is signed and opens, in whichever region: the cover rule.
//
// The cover rule needs no lease, clock or leader. Two archivers that cut the
// same offsets differently, a copy that lacks what compaction removed before it
// was fetched, a damaged object: all of it is a merge by offset over every
// copy. Nothing outside [base, next) of its name is taken from a copy. Where no
// copy serves an offset, and no signed gap explains it, the reader yields a
// [LostError] with those offsets and goes on.
//
// [Archive.Tails] finds where an archiver continues, [SealGap] records offsets
// that were gone before they could be fetched.
package cover
