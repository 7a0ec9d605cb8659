package restore

import (
	"math"
	"time"
)

const (
	// planVersion changes when a plan of an older program must not be executed
	// by this one.
	planVersion = 2

	// defaultWindow is how far from the moment the parts of a transaction are
	// looked for: Kafka's default transaction.max.timeout.ms.
	defaultWindow = 15 * time.Minute

	// scanParallel is how many partitions are looked at for transactions at once.
	scanParallel = 8

	// readMemory is shared by the partitions that are read at once: each holds
	// one segment, and the reader of the archive fetches ahead within a bound of
	// its own. The process has to stay within 512 MiB.
	readMemory = 128 << 20

	// largestHeld is what the reader of the archive holds of one segment at most.
	largestHeld = 32 << 20

	// minParallel and maxParallel bound how many partitions are read at once.
	// The more, the more batches travel in one request.
	minParallel = 4
	maxParallel = 64

	// defaultMemory bounds the batches that wait for their broker, 64 MiB.
	defaultMemory = 64 << 20

	// defaultStall is how long a partition may go without an answer that helps.
	// Longer than a rolling restart of a broker.
	defaultStall = 5 * time.Minute

	// laneDepth is how many batches of one partition are cut ahead of those that
	// are out.
	laneDepth = 8

	// batchesInFlight is how many batches of one partition may be out at once:
	// of so many a broker knows again one that it has.
	batchesInFlight = 5

	// linesPerBroker is how many connections lead to each broker: it works on
	// one request of each at a time.
	linesPerBroker = 4

	// requestsInFlight is how many requests may be out on one connection. Each
	// holds another batch of a partition.
	requestsInFlight = batchesInFlight

	// keptBuffer is the largest buffer that is kept for other batches, in bytes.
	keptBuffer = 1 << 20

	// requestBytes is where a produce request is full, 8 MiB. A larger batch
	// travels alone.
	requestBytes = 8 << 20

	// requestPartitions bounds the partitions of one produce request.
	requestPartitions = 512

	// ackTimeout is how long the broker may wait for its replicas before it
	// answers.
	ackTimeout = 30 * time.Second

	// requestTimeout is how long one produce request may take in all. A broker
	// that is gone for good must not hold it for longer.
	requestTimeout = 45 * time.Second

	// firstPause and lastPause bound the wait before a batch is sent again.
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second

	// batchBytes is the max.message.bytes of a topic that restore creates: what
	// still fits into a broker's default socket.request.max.bytes (100 MiB)
	// with room for the request around it.
	batchBytes = 100<<20 - 64<<10

	// brokerBatchBytes is Kafka's default max.message.bytes, taken where a
	// target does not tell its own.
	brokerBatchBytes = 1048588

	// maxTime is the largest moment that Kafka's limits on timestamps accept,
	// in ms.
	maxTime = math.MaxInt64
)
