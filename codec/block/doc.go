// Package block seals and opens the two sealed parts of a segment: the body of
// a block and the filter over its record keys.
//
// Everything comes from one secret a segment has, 32 random bytes, so that a
// block key can be kept where the secret is destroyed:
//
//	secret ── HKDF, salted with the header's digest ── block key 0, 1, 2, …
//	block key ── HKDF-Expand ─┬─ body key      seals the body
//	                          ├─ filter key    seals the filter
//	                          ├─ record-key key  hashes record keys for the filter
//	                          ├─ field keys      hash values of fields for the filter, each its own
//	                          └─ commitment    stands in the footer, in clear
//
// The commitment tells a wrong key from damaged bytes before a byte of the
// block is read. [Place] is what a body is bound to: bytes moved to another
// block, offset or segment do not open.
//
// The package knows nothing of where a block lies; package segment does. The
// layout and every label is specified in codec/FORMAT.md.
//
// Cryptography is the standard library's only, and only what
// GODEBUG=fips140=only allows. SipHash spreads record keys over a filter; it
// protects nothing.
package block
