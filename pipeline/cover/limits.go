package cover

const (
	// wholeLimit is the largest object fetched by one GET, in bytes. It is above
	// the default segment size of 16 MiB, so that only roll-ups are read by
	// ranges.
	wholeLimit = 32 << 20

	// window is what a ranged read of a large segment asks for, in bytes: a few
	// blocks, so that the cost of a request is spread.
	window = 8 << 20

	// aheadSegments bounds what one Read holds, aheadBytes what all Reads of an
	// archive hold together before it is needed. The one segment that a Read is
	// at comes on top: at most wholeLimit, or two windows.
	aheadSegments = 4
	aheadBytes    = 64 << 20

	// bufferStep is what the memory for a segment is rounded up to, in bytes.
	bufferStep = 1 << 20

	// smallObject is an object that one GET brings sooner than a few ranged
	// reads, in bytes.
	smallObject = 256 << 10

	// accessFailures is how many candidates in a row a region may fail to
	// serve before Tails takes it for unreachable. What does not answer must
	// not be taken for an archive that ends early.
	accessFailures = 8
)
