// Package keys keeps the secrets of segments apart from the segments.
//
// A segment is locked for years; its secret lies in a key page, a small file
// in a place of its own that can be deleted, so that erasing a secret makes
// the locked data unreadable. Three keys stand above each other:
//
//	KMS key    never leaves the KMS of its region
//	  └ KEK    32 bytes, kek/<id>.json: the same key in all regions, wrapped
//	  │        by each region's own KMS, so that file is never copied
//	  └ page   pages/<page>.keys: 256 secrets wrapped by the KEK; the same
//	           bytes in all regions
//	    └ secret  32 bytes of one slot, for one segment (package block)
//
// Both files are signed by the archive role (package signed). A page names
// its generation: an erasure writes the page again with fewer secrets and a
// higher generation, and the generation is part of what AES-GCM
// authenticates, so no old content passes for a new one.
//
// A [Writer] hands out slots, each one once: a page is made in memory and dies
// with its process, so a crash can never lead to a slot being used again. A
// [Ring] gives the secrets back to readers of one region. Package kms below
// opens a KMS by URL; [OpenLocal] is the one that needs no service.
//
// Nothing in this package prints a secret: types that hold one print as
// "(secret)" or as their name, and errors carry ids only.
package keys
