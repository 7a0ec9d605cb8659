package segment

import "math"

const (
	// DefaultBlockSize is the body after which a block is sealed, in bytes.
	// A block is what a ranged read fetches and what an erasure replaces; at
	// 256 KiB its entry and seals are one in a thousand.
	DefaultBlockSize = 256 << 10

	// maxBlocks is how many blocks a segment may have: a roll-up of 16 GiB in
	// blocks of 256 KiB. It bounds the footer that a reader takes into memory.
	maxBlocks = 1 << 16

	// maxHeader and maxFooter follow from the longest topic name and maxBlocks.
	maxHeader = headerFixed + 249
	maxFooter = maxHeader + footerFixed + maxBlocks*entrySize

	// firstRead is how many bytes Open reads from the end at once: the footer
	// of a 256 MiB segment.
	firstRead = 48 << 10

	// retainScratch is the most memory a pool takes back from one writer. One
	// batch of 20 MB must not stay with every writer that comes after.
	retainScratch = 8 * DefaultBlockSize

	// NoTimestamp stands where a block's lowest or highest timestamp is not
	// known, or where there is no record that has one.
	NoTimestamp int64 = math.MinInt64
)
