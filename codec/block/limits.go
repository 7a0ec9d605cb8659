package block

const (
	// Overhead is what sealing adds, in bytes: a nonce of 12 in front and a
	// tag of 16 behind.
	Overhead = 12 + 16

	// MaxBody is the longest body of a block in bytes, 1 GiB. A block holds at
	// least one batch, brokers take none near that, and a length fits 32 bits.
	MaxBody = 1 << 30

	// MaxFilter is the longest filter in bytes. A body of MaxBody could hold
	// more keys than that; such a block has no filter.
	MaxFilter = 64 << 20

	// MaxFields is how many fields a filter may cover beside the record keys:
	// each costs 1.25 bytes for every value that a block has.
	MaxFields = 16

	// maxHashes is how many distinct keys fit a filter of MaxFilter.
	maxHashes = MaxFilter * 4 / 5
)
