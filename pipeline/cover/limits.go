package cover

const (
	// wholeLimit is the largest object fetched by one GET, in bytes. It is above
	// the default segment size of 16 MiB, so that only roll-ups are read by
	// ranges.
	wholeLimit = 32 << 20

	// window is what a ranged read of a large segment asks for, in bytes: a few
	// blocks, so that the cost of a request is spread.
	window = 8 << 20

	// aheadSegments and aheadBytes bound what Read fetches before it is needed.
	// One segment is always fetched, whatever its size.
	aheadSegments = 4
	aheadBytes    = 64 << 20

	// smallObject is an object that one GET brings sooner than a few ranged
	// reads, in bytes.
	smallObject = 256 << 10

	// accessFailures is how many candidates in a row a region may fail to
	// serve before Tails takes it for unreachable. What does not answer must
	// not be taken for an archive that ends early.
	accessFailures = 8
)
