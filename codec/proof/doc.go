// Package proof writes and checks the file that proves one record of an archive
// to somebody who has nothing else of it but the root's public key.
//
// It holds what FORMAT.md, section 6, says: the file by which the root
// introduced the signer, the signed footer of the segment, the one sealed block
// that the record is in, and the key of that block. Each block has a key of its
// own, so nothing else opens with it; the other records of the block are
// disclosed, though.
//
// [Encode] makes a file, [Verify] checks one. Whatever is in it, the root's key
// decides: a file that was made by anybody proves nothing but what an archiver
// of this archive has signed.
package proof
