package archive

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// span is a run of offsets [from, to) to fetch. A partition has one span for
// every hole that Kafka can still fill, and a last one without an end.
type span struct {
	from, to int64
	// prev is the digest of what ends at from.
	prev names.Digest
}

// endless is the end of a partition's last span.
const endless = math.MaxInt64

// cursor is where the fetcher stands in one partition. A fetch loop that has
// set inFlight under the fetcher's mutex owns the other fields until it clears
// it; removed may be set by anybody who holds the mutex.
type cursor struct {
	key   Key
	id    names.TopicID
	chunk chan<- chunk
	tell  func(func(*Hooks)) // the partition's; says nothing once it is given up

	spans []span // spans[0] is being fetched
	next  int64  // the offset to ask for
	until int64  // stop here; endless unless the run ends when caught up
	epoch int32  // leader epoch of the last batch fetched, unknownEpoch before (KIP-320)

	// stable is the last stable offset as the broker said it last, -1 before.
	// Anybody may load it.
	stable atomic.Int64

	leader  leader
	rest    time.Time // do not fetch before
	corrupt int       // damaged answers in a row
	tries   int       // answers in a row with an error that should pass
	halted  bool      // reported as stopped, and no clean answer since
	empty   int       // answers in a row without any bytes although the log goes on

	inFlight bool
	removed  bool
}

// ready reports whether to ask for more.
func (c *cursor) ready(now time.Time) bool {
	return !c.inFlight && !c.removed && !c.caughtUp() && !now.Before(c.rest) && len(c.chunk) < cap(c.chunk)-1
}

// caughtUp reports whether nothing is left to fetch: a hole is always fetched
// to its end.
func (c *cursor) caughtUp() bool {
	return len(c.spans) == 1 && c.next >= c.until
}

// unknownEpoch is sent where the last batch fetched does not stand right
// before the offset asked for: a broker would take an epoch that ended below
// it for a truncated log.
const unknownEpoch = -1

// jump goes on with the next span.
func (c *cursor) jump() {
	c.spans = c.spans[1:]
	c.next, c.epoch = c.spans[0].from, unknownEpoch
}

// first is the chunk that begins the present span.
func (c *cursor) first() chunk {
	ch := chunk{begin: &c.spans[0], next: c.next}
	if c.caughtUp() {
		ch.closing = ByCatchUp
	}
	return ch
}

// chunk is what one fetch brought for one partition, on its way to the
// partition's own goroutine. Its order is begin, batches, gap, closing.
type chunk struct {
	// begin starts a span: whatever is open belongs to another.
	begin *span
	// batches are what is to be archived of [from, next); what is missing was
	// aborted or compacted away.
	batches []recordbatch.Batch
	next    int64
	// gap is set where offsets were gone before they could be fetched.
	gap *lostRange
	// closing, unless empty, closes the segment behind the chunk.
	closing Reason
	pin     *pin
}

// lostRange is a run of offsets that cannot be archived, and why.
type lostRange struct {
	base, next int64
	reason     string
}

// pin keeps a fetch response in the budget until every chunk of it has been
// copied into segments.
type pin struct {
	bytes  int64
	refs   atomic.Int32
	budget *budget
}

func (p *pin) take() *pin {
	p.refs.Add(1)
	return p
}

func (p *pin) release() {
	if p != nil && p.refs.Add(-1) == 0 {
		p.budget.add(-p.bytes)
	}
}
