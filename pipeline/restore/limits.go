package restore

import (
	"math"
	"time"
)

const (
	// planVersion changes when a plan of an older program must not be executed
	// by this one.
	planVersion = 1

	// defaultParallel is how many partitions are read at once. Each reads up to
	// 64 MiB of segments ahead, and the process has to stay within 512 MiB.
	defaultParallel = 4

	// defaultMemory bounds the batches that wait for their broker, 64 MiB.
	defaultMemory = 64 << 20

	// defaultStall is how long a partition may go without an answer that helps.
	// Longer than a rolling restart of a broker.
	defaultStall = 5 * time.Minute

	// laneDepth is how many batches of one partition are cut ahead of the one
	// being produced.
	laneDepth = 4

	// shippersPerBroker is how many requests may be outstanding at one broker.
	// A partition is in one of them at most, so that order holds; the second
	// keeps the connection busy while the first is being replicated.
	shippersPerBroker = 2

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
