package capacity

import "math"

// What closes segments.
const (
	ByAge    = "age"
	BySize   = "size"
	ByMemory = "memory"
)

const (
	// openShare is how much of the memory budget open segments can fill before
	// the largest are closed: fetches may reserve the other half (see "Memory"
	// in pipeline/DESIGN.md), and of that the open ones get what is unused;
	// buffers grow by powers of two, so a quarter of what is held is empty.
	openShare = 0.75
	// margin is how far below its size a segment is closed, in blocks
	// (pipeline/archive.Roll.full).
	margin = 1.5
)

// rollUpTimes is how many times the work of sealing and storing a byte a roll-up
// does with it: it is read, checked and opened; sealed again and stored; and read
// back from both regions and compared.
const rollUpTimes = 3

// flow is a steady stream through the archiver, all of it a second.
type flow struct {
	rate     float64 // events
	wire     float64 // bytes from Kafka
	sealed   float64 // bytes to each region, without key pages
	segments float64
	interval float64 // seconds for which a segment is open
	by       string  // what closes it
	cores    float64 // busy, of all instances, roll-up not included
	rollup   float64 // cores busy with that
}

// at is the steady state at a rate of events a second.
func (p Profile) at(w Workload, rate float64) flow {
	f := flow{rate: rate, wire: rate * p.wireBytes(w)}
	f.interval, f.by = p.interval(w, rate)
	f.segments = float64(w.Partitions) / f.interval
	f.sealed = p.sealedBytes(w, rate, f.segments)
	f.cores = p.Archive.cpu(work{
		events: rate, plain: rate * float64(w.EventBytes), wire: f.wire, sealed: f.sealed, batches: rate / w.BatchEvents,
		segments: f.segments, partitionSeconds: float64(w.Partitions), codec: w.Codec, compression: w.Compression, filter: w.KeyFilter,
	})
	if w.RollUp.On {
		f.rollup = p.Archive.cpu(work{sealed: rollUpTimes * f.sealed, segments: f.segments})
	}
	return f
}

// interval is how long a segment of an average partition is open, the pause
// before its first batch included, and what ends it. Batches come at random.
func (p Profile) interval(w Workload, rate float64) (seconds float64, by string) {
	batch := w.BatchEvents / rate * float64(w.Partitions) // seconds between two of a partition
	seconds, by = p.closing(w, rate, w.SegmentAge.Seconds()+batch)
	return math.Max(seconds, batch), by // a batch is never taken apart
}

// closing is the first of age, size and memory that closes a segment.
func (p Profile) closing(w Workload, rate, age float64) (seconds float64, by string) {
	stored := p.bodyBytes(w)
	if w.KeyFilter {
		stored += p.FilterBytes
	}
	full := float64(w.SegmentSize)
	if 4*margin*blockBytes <= full {
		full -= margin * blockBytes
	}
	seconds, by = age, ByAge
	if size := full * float64(w.Partitions) / (rate * stored); size < seconds {
		seconds, by = size, BySize
	}
	if memory := 2 * openShare * float64(w.Memory) * p.instancesAtLeast(w, rate) / (rate * stored); memory < seconds {
		seconds, by = memory, ByMemory
	}
	return seconds, by
}

// instancesAtLeast is a number of instances that is never more than there are
// and never shrinks as the rate grows: it need not be whole, and leaves out
// what segments cost. It is what keeps cost from falling where one instance
// more would ease the memory of all.
func (p Profile) instancesAtLeast(w Workload, rate float64) float64 {
	wire := p.wireBytes(w)
	cores := p.Archive.cpu(work{
		events: rate, plain: rate * float64(w.EventBytes), wire: rate * wire, sealed: rate * p.bodyBytes(w), batches: rate / w.BatchEvents,
		codec: w.Codec, compression: w.Compression, filter: w.KeyFilter,
	})
	return math.Max(float64(w.Machine.AtLeast), cores/(w.Machine.Cores*w.Machine.Busy))
}
