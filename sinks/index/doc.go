// Package index is a disposable local catalogue of the segments in the
// regions, kept in Badger. It saves requests and nothing else.
//
// It may be used to choose where a LIST begins, to plan which segments to
// read, and to show numbers to people. It is never believed over the regions: not for the tail a partition
// starts at, not for whether an object is there, not before anything is
// deleted. What it says was true once; it can be behind after a power loss
// and ahead after a restored disk, and entries that were deleted can come
// back. Delete the directory and nothing is lost.
//
// One directory serves one archive and one process:
//
//	archive      the id of the archive
//	lock         held while in use
//	badger/      Badger's files
//	sums         their sizes and checksums, from a clean close until the next open
//	suspect      why the files are not to be opened again
//	badger.damaged-<time>/   the last ones that were set aside
//
// Badger maps its files and, where they are damaged, ends the process from
// goroutines of its own, where nobody can catch it. So its files are compared
// with sums before it sees them, which reads them once. After a kill there are
// no sums; should it then end the process while opening, suspect stays behind
// and the next start begins empty. A full disk would be a SIGBUS: before each
// write the free space is looked at, and the index stops well before.
//
// [Ends] is the other half of the index, which searches use: filters, footers
// and trailers of segments, in plain files of their own that processes share.
//
// Both halves are bounded. Ends drop what was written first. A catalogue that
// is full is cleared and goes on with what is stored from then on.
//
// They hold no secret and nothing in the clear that the regions do not hold:
// filters are stored as they are sealed. Once the key of a block is erased its
// filter cannot be opened here either.
package index
