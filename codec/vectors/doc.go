// Package vectors holds test vectors of the segment format, good and broken
// ones, and a second reader for them.
//
// vectors.json says of each file what a reader must find; the outcomes are
// those of codec/FORMAT.md, section 1.7. read_segment.py (with key_filter.py for
// the filters) is a reader written from that text alone:
//
//	python3 read_segment.py --vectors .
//
// good.proof proves one record of good-zstd.seg (section 7); read_proof.py checks
// it, beside codec/proof.
//
// The tests hold both readers to the same file. Sealing draws a random nonce,
// so the files cannot be made again bit for bit: they are committed, and
//
//	go test ./codec/vectors -run TestUpdate -update
//
// replaces them all, which only a change of the format calls for.
package vectors
