package cover

import "time"

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

	// spareBytes bounds the memory of second answers: what a read is waiting for
	// while another region is asked for the same. It comes on top of aheadBytes,
	// so that a restore which has spent that can still turn to another region.
	spareBytes = wholeLimit

	// hedgeShare is how many reads in one may be made twice, hedgeBurst how many
	// at once: when a region begins to hang, a few find out for all others.
	hedgeShare = 0.05
	hedgeBurst = 8

	// speedKnown is how many reads of a class tell how long one takes.
	speedKnown = 16

	// regionFailures is how many requests in a row have to fail or to be too
	// slow until a region is asked last: one that pauses for a moment is not
	// down, and one Read alone finds out, by what it fetches ahead.
	regionFailures = aheadSegments
)

const (
	// hedgeEarliest and hedgeLatest bound how long a read waits for a region
	// before another is asked as well. Below, the second request costs more than
	// it saves; above, a restore would stand still for longer than it has, which
	// is 15 s from the loss of a region. hedgeUnknown is for the first reads,
	// unless they are large: nobody knows yet how fast the line is.
	hedgeEarliest = 200 * time.Millisecond
	hedgeLatest   = 4 * time.Second
	hedgeUnknown  = time.Second

	// regionRest is how long a region that failed is asked last before one
	// small request tries it, trialLimit how soon that must be answered.
	regionRest = 15 * time.Second
	trialLimit = time.Second

	// hastyPatience is what is left of the patience with the listing of a region
	// that is known not to work: a restore makes dozens of listings.
	hastyPatience = 50 * time.Millisecond
)
