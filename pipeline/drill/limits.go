package drill

import "time"

const (
	// resultVersion changes with the meaning of a result. An unknown field is
	// refused by readers anyway.
	resultVersion = 1

	// maxFindings and maxRows keep a result within a signed file of 1 MiB. What
	// is beyond is counted.
	maxFindings = 200
	maxRows     = 1000

	// maxText bounds what a finding tells of an error, in bytes.
	maxText = 600

	// defaultParallel is how many partitions are read at once. Each holds a few
	// segments in memory: see package cover.
	defaultParallel = 4

	// footersAtOnce is how many partitions are asked for their tails at once.
	footersAtOnce = 16

	// wholeSegment is the largest segment whose digests are checked from one
	// GET, in bytes; a larger one is read block by block.
	wholeSegment = 32 << 20

	// fetchBytes is what one fetch from Kafka asks for, 4 MiB. A larger batch
	// comes alone.
	fetchBytes = 4 << 20

	// fetchWait is how long a broker may wait for data that it says it has.
	fetchWait = time.Second

	// emptyFetches is how many empty answers below the end of a log mean that
	// nothing is there: compaction or aborted transactions left only offsets.
	emptyFetches = 3

	// stall is how long Kafka may give no helpful answer.
	stall = 30 * time.Second

	// firstPause and lastPause bound the wait before Kafka is asked again.
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second

	// askSource bounds the first questions to the source cluster: a source that
	// is gone is the very case that one drills for.
	askSource = 15 * time.Second

	// cleanUp bounds the deletion of scratch topics, also after an interrupt.
	cleanUp = 30 * time.Second
)
