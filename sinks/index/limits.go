package index

const (
	// headroom is the free space in bytes below which the index stops.
	// Closing and compacting write before they free: two memtables with logs
	// of twice their size (24 MiB), the value log's mapping (2 MiB) and a
	// compaction of level 0 into level 1 (64 MiB). The rest is for the other
	// writers on the disk between two looks.
	headroom = 256 << 20

	// memtableSize is the memory for entries on their way to disk, in bytes; up
	// to memtables of them exist at once. Entries are some 400 bytes, so 4 MiB
	// are 10,000 segments. Twice as much doubles the memory of the whole index
	// and makes it no faster.
	memtableSize = 4 << 20
	memtables    = 2

	// blockCache holds unpacked blocks of tables, in bytes. Reads follow a
	// partition in order, so a small one hits nearly always.
	blockCache = 2 << 20

	// valueLogSize bounds the value log, in bytes. It stays empty, as no value
	// reaches valueThreshold, but Badger maps twice its size, of at least 1 MiB.
	valueLogSize = 1 << 20

	// valueThreshold is the length in bytes from which Badger would use the
	// value log. It must be above every value and at most 15% of memtableSize.
	valueThreshold = 512 << 10

	// MaxBlocks is the longest block table of an entry that is kept, in bytes.
	// A segment of 16 MiB has some 4 KiB; a large roll-up's table is read from
	// its footer instead.
	MaxBlocks = 256 << 10

	// maxCopies bounds the regions of an entry. An archive has two; the rest
	// is room for a move from one region to another.
	maxCopies = 8

	// measureEvery is how many entries are put between two looks at the size:
	// half a memtable.
	measureEvery = 4096

	// reserve is what Badger takes besides its tables, in bytes: logs of twice
	// the size of two memtables, the value log's mapping, and a compaction that
	// writes before it deletes.
	reserve = 2*memtables*memtableSize + 2*valueLogSize + 64<<20

	// page is how many entries Range reads before it lets go of the database,
	// so that a slow reader holds up neither Close nor compaction.
	page = 256

	// MaxEnd is the longest end of a segment that is kept, in bytes: that of
	// some 13 million records.
	MaxEnd = 16 << 20

	// maxEndsFile and minEndsFile bound what a file of ends grows to, in bytes.
	// Files are removed as a whole, so each partition should have a few.
	maxEndsFile = 8 << 20
	minEndsFile = 256 << 10
	filesEach   = 8

	// trimShare says how much room a trim makes, as a share of the whole: a
	// sixteenth. After half of that is written the next is due, so that two
	// processes that write at once stay within the bound.
	trimShare = 16

	// walkRead is how much of a file is read to find the next heads, in bytes:
	// many where ends are short, and little in vain where they are long.
	walkRead = 4 << 10
)
