package archive

import (
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Config says what to archive and within which limits.
type Config struct {
	// Group is the Kafka consumer group.
	Group string
	// Topics are the topics to read; at least one.
	Topics []Topic
	// Client holds brokers, TLS, SASL and client id; every Kafka client that
	// the archiver opens is made from it.
	Client []kgo.Opt
	// Membership holds what only the group's client gets: balancer, session
	// timeout, static membership.
	Membership []kgo.Opt

	Roll  Roll
	Fetch Fetch
	// Memory is the one budget for fetched, open and sealed bytes together.
	Memory int64
	// RetainFor is how long the store is asked to lock a segment; zero for no
	// lock.
	RetainFor time.Duration
	// Grace is how long stopping, or giving a partition up, may take to store
	// and commit what is open.
	Grace time.Duration
	// DegradeAfter is how long a segment that one region already holds waits
	// for the other before that one is left to be healed later.
	DegradeAfter time.Duration
	// UntilCaughtUp ends Run once everything is stored that was in the
	// partitions when they were assigned.
	UntilCaughtUp bool
}

// Topic selects topics by name or by regular expression (RE2).
type Topic struct {
	Name    string
	Pattern string
	// Age replaces Roll.Age for these topics where it is above zero.
	Age time.Duration
	// Fields, with Roll.KeyFilter, add values of fields to the filters of these
	// topics. They may be nil.
	Fields segment.Fields
}

// Matches reports whether the selection covers a topic.
func (t Topic) Matches(topic string) bool {
	if t.Pattern == "" {
		return t.Name == topic
	}
	ok, err := regexp.MatchString("^(?:"+t.Pattern+")$", topic)
	return ok && err == nil
}

// Roll says when a segment is full and how it is made.
type Roll struct {
	// Size closes a segment at this many sealed bytes.
	Size int
	// Age closes a segment this long after its first batch arrived.
	Age time.Duration
	// Block is the number of plain bytes sealed as one block.
	Block int
	// Compression is for blocks whose batches came uncompressed.
	Compression block.Compression
	// KeyFilter adds a filter over the record keys to every block.
	KeyFilter bool
}

// full is the size at which a segment is closed: so far below Size that one
// more block and the footer still fit, and with them the buffer for the next.
func (r Roll) full() int {
	if margin := r.Block + r.Block/2; r.Size >= 4*margin {
		return r.Size - margin
	}
	return r.Size
}

// Fetch bounds each fetch request (KIP-74).
type Fetch struct {
	MaxWait           time.Duration
	MinBytes          int32
	MaxBytes          int32
	MaxPartitionBytes int32
	// MaxBatchBytes is the largest batch that is accepted; a larger one stops
	// its partition.
	MaxBatchBytes int32
}

// Limits that no setting changes.
const (
	// chunksAhead bounds the fetched chunks that wait for one partition. Their
	// bytes are in the memory budget, but each keeps its whole response alive:
	// a partition that cannot be stored must not take the budget from the others.
	chunksAhead = 4
	// segmentsAhead is how many sealed segments of a partition may wait for
	// the stores: one being stored, one ready. More would not make a slow
	// store faster, and the budget would be spent on one partition.
	segmentsAhead = 1
	// keptShare of the memory budget is kept, beside it, in buffers for the next
	// segments: a quarter. They are filled again within moments; with an eighth a
	// third of them were made anew, cleared and paged in.
	keptShare = 4
	// startsAtOnce bounds how many partitions look for their tails at the same
	// time, so that ten thousand assigned at once do not storm the stores.
	startsAtOnce = 32
	// retryFirst and retryMost pace whatever is tried again for as long as it
	// takes: stores, tails, a stopped partition.
	retryFirst = 200 * time.Millisecond
	retryMost  = 10 * time.Second
	// metadataEvery is how often leaders and topic ids are asked for while
	// nothing is wrong; a fetch error asks at once.
	metadataEvery = 10 * time.Second
	// metadataAtMost keeps a storm of errors from becoming a storm of requests.
	metadataAtMost = 200 * time.Millisecond
	// metadataMissing is how long at most to wait before asking again while a
	// leader or a topic is missing.
	metadataMissing = 2 * time.Second
	// commitEvery paces group commits: one request for all partitions.
	commitEvery = 500 * time.Millisecond
	// corruptTries is how often a damaged batch is fetched again, from
	// whichever replica leads then, before its partition stops.
	corruptTries = 3
	// quietTries is how often a fetch error that should pass (a leader that
	// moves) is met in a row, retryFirst apart, before it is reported.
	quietTries = 25
	// relieveAfter is how long a fetch waits for segments on their way to the
	// stores before it has more of them closed.
	relieveAfter = 250 * time.Millisecond
	// relieveEvery paces those requests: each looks at every partition, and
	// ten thousand of them give bytes back one by one.
	relieveEvery = 20 * time.Millisecond
	// commitWithin bounds a commit: one that hangs must not hold up the last.
	commitWithin = 3 * time.Second
	// lastCommit is how long the commit at the end may take.
	lastCommit = 5 * time.Second
	// stoppedFor is how long a stopped partition rests before it looks whether
	// its trouble is over.
	stoppedFor = 15 * time.Second
	// settled is how long the assignment must stand still before a run until
	// caught up may end: a cooperative rebalance hands partitions out in turns.
	settled = 2 * time.Second
)
