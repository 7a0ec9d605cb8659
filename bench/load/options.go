package load

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// The formats of events.
const (
	Order    = "order"    // orders of a shop as JSON, keyed by order
	Debezium = "debezium" // change records of a table, as Debezium's envelopes
)

const (
	defaultEventBytes  = 237
	defaultBatchEvents = 200
	defaultNeedles     = 100
	defaultInFlight    = 5
	// maxInFlight keeps the connections and the producer states at the broker
	// few.
	maxInFlight = 16
	// maxPartitions is what one topic of the bench may have.
	maxPartitions = 10_000
	// minEventBytes holds a key and a little JSON.
	minEventBytes = 64
	maxEventBytes = 64 << 10
	// minEnvelope is below what an envelope can be cut to and still be one.
	minEnvelope = 400
	// maxSkew is far beyond any shop: one key would have nearly everything.
	maxSkew = 4
)

// Options say what to produce, and where to.
type Options struct {
	// Client reaches the cluster: seed brokers, and TLS and SASL if need be.
	Client []kgo.Opt
	// Topic must exist with Workload.Partitions partitions before Run; see
	// Create.
	Topic string

	// Workload is what to produce. EventBytes 0 is 237 for orders and the
	// natural size for envelopes; BatchEvents 0 is 200, Partitions 0 is 1,
	// Codec "" is none, Format "" is "order". Ratio is the compression asked
	// for, 0 for that of natural text; with codec none it is what zstd would
	// reach. Events is how many to produce in all, 0 for no end, which wants a
	// Rate. Rate 0 is a backlog: as fast as the broker takes them.
	Workload report.Workload

	// Partitioned lets every key lie in the partition that the producers' own
	// partitioner (murmur2) gives it. Without it only the needles do, and any
	// other key is in every partition. It needs a bank for each partition.
	Partitioned bool
	// Needles is how many keys are strewn thinly over the run, in their own
	// partitions, to be looked for afterwards; 0 is 100, below 0 none. A run
	// without an end has them in its first ten minutes.
	Needles int
	// InFlight is how many requests are out at a time, 1 to 16; 0 is 5. Each
	// has its own connection and producer id.
	InFlight int
	// Seed makes equal banks of equal workloads.
	Seed uint64
}

func (o Options) withDefaults() Options {
	w := &o.Workload
	w.Format = or(w.Format, Order)
	w.Codec = or(w.Codec, recordbatch.CodecNone.String())
	w.BatchEvents = or(w.BatchEvents, defaultBatchEvents)
	w.Partitions = or(w.Partitions, 1)
	if w.Format == Order {
		w.EventBytes = or(w.EventBytes, defaultEventBytes)
	}
	o.InFlight = or(o.InFlight, defaultInFlight)
	o.Needles = max(or(o.Needles, defaultNeedles), 0)
	return o
}

func or[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

// validate has one if and one message for each rule.
func (o Options) validate() error {
	w := o.Workload
	if w.Format != Order && w.Format != Debezium {
		return fmt.Errorf("format %q is not known: use %q or %q", w.Format, Order, Debezium)
	}
	if _, ok := codecOf(w.Codec); !ok {
		return fmt.Errorf("codec %q is not known: use none, gzip, snappy, lz4 or zstd", w.Codec)
	}
	if w.EventBytes != 0 && (w.EventBytes < minEventBytes || w.EventBytes > maxEventBytes) {
		return fmt.Errorf("%d bytes an event are not within [%d, %d]", w.EventBytes, minEventBytes, maxEventBytes)
	}
	if w.Format == Debezium && w.EventBytes != 0 && w.EventBytes < minEnvelope {
		return fmt.Errorf("%d bytes an event are too few for an envelope, which has %d", w.EventBytes, minEnvelope)
	}
	if w.BatchEvents < 1 {
		return fmt.Errorf("%d events a batch are below 1", w.BatchEvents)
	}
	if w.Codec == recordbatch.CodecNone.String() && w.BatchEvents*w.EventBytes > maxBatch {
		return fmt.Errorf("%d events of %d bytes are above the %d bytes of a batch that brokers take", w.BatchEvents, w.EventBytes, maxBatch)
	}
	if w.Partitions < 1 || w.Partitions > maxPartitions {
		return fmt.Errorf("%d partitions are not within [1, %d]", w.Partitions, maxPartitions)
	}
	if w.KeySkew < 0 || w.KeySkew > maxSkew {
		return fmt.Errorf("key skew %g is not within [0, %d]", w.KeySkew, maxSkew)
	}
	if w.Ratio != 0 && w.Ratio < 1 {
		return fmt.Errorf("compression ratio %g is below 1", w.Ratio)
	}
	if w.Events < 0 || w.Rate < 0 || w.Events == 0 && w.Rate == 0 {
		return fmt.Errorf("%d events at %g a second: a backlog needs a number of events", w.Events, w.Rate)
	}
	if o.InFlight < 1 || o.InFlight > maxInFlight {
		return fmt.Errorf("%d requests in flight are not within [1, %d]", o.InFlight, maxInFlight)
	}
	return nil
}

// codecOf is the codec of a name, as Kafka's compression.type has it.
func codecOf(name string) (recordbatch.Codec, bool) {
	for c := recordbatch.CodecNone; c <= recordbatch.CodecZstd; c++ {
		if c.String() == name {
			return c, true
		}
	}
	return 0, false
}
