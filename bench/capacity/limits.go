package capacity

import (
	"cmp"
	"slices"
)

// Limit is something that ends growth: how much of it is used at the peak.
type Limit struct {
	What  string  `json:"what"`
	Use   float64 `json:"use"`
	Most  float64 `json:"most"`
	Unit  string  `json:"unit"`
	Share float64 `json:"share"` // of Most
	// Slows is set where going beyond makes the archive slower or dearer and
	// stops nothing.
	Slows  bool   `json:"slows,omitempty"`
	Advice string `json:"advice"`
}

// Limits of others, each with where it is from.
const (
	// groupMembers is where a classic group's rebalance, one SyncGroup with all
	// assignments through one coordinator, takes longer than people wait.
	groupMembers = 500.0
	// listSeconds is how long a start may list one partition, at 10 pages a
	// second (a LIST of 1,000 keys takes S3 some 100 ms, and pages follow each
	// other).
	listSeconds = 60.0
	listRate    = 10.0
)

// limits are sorted, the nearest first.
func (m model) limits(out Plan) []Limit {
	n, w := float64(m.instances), m.w
	perEvent := m.peak.cores / m.peak.rate
	fullCores, fullNetwork := w.Machine.Cores, w.Machine.Network*gb/8
	all := []Limit{
		{What: "cores of an instance", Use: out.CoresPeak / n, Most: fullCores, Unit: "cores", Advice: "more instances or cores"},
		{What: "network of an instance, out", Use: m.outPeak() / n, Most: fullNetwork, Unit: "B/s", Advice: "more instances or a faster network"},
		{What: "network of an instance, in", Use: m.inPeak() / n, Most: fullNetwork, Unit: "B/s", Advice: "more instances or a faster network"},
		{What: "memory of an instance", Use: out.MemoryEach, Most: float64(w.Machine.Memory), Unit: "B", Advice: "more instances, or a smaller memory setting"},
		{What: "the busiest partition's sealer", Use: w.Peak / float64(w.Partitions) * w.Hottest * perEvent, Most: 1, Unit: "cores", Advice: "more partitions: one is sealed by one core"},
		{What: "instances, for partitions", Use: n, Most: float64(w.Partitions), Unit: "members", Advice: "more partitions: a member without one does nothing"},
		{What: "members of the group", Slows: true, Use: n, Most: groupMembers, Unit: "members", Advice: "several groups, each with topics of its own"},
		{What: "listing a partition at a start", Slows: true, Use: out.Objects.Kept / float64(w.Partitions) / listPage / listRate, Most: listSeconds, Unit: "s", Advice: "a roll-up, or a longer segment age"},
		{What: "memory for open segments", Slows: true, Use: w.SegmentAge.Seconds(), Most: m.openFor(), Unit: "s of events", Advice: "a larger memory setting: segments are closed before their age"},
	}
	if m.prices.RequestLimit > 0 {
		all = append(all, Limit{What: "PUTs of a region's prefix", Use: m.peak.segments * (1 + 1/pageSlots), Most: m.prices.RequestLimit, Unit: "PUT/s",
			Advice: "longer segments; S3 splits by prefix under lasting load, and a topic's partitions are prefixes"})
	}
	if m.prices.KMSLimit > 0 {
		all = append(all, Limit{What: "KMS when all instances start at once", Use: n * keksOpen / kmsWithin, Most: m.prices.KMSLimit, Unit: "calls/s", Advice: "a quota that fits"})
	}
	for i, l := range all {
		all[i].Share = l.Use / l.Most
	}
	slices.SortStableFunc(all, func(a, b Limit) int { return cmp.Compare(b.Share, a.Share) })
	return all
}

// kmsWithin is within how many seconds of each other instances start that are
// started together.
const kmsWithin = 5.0

// openFor is how many seconds of the peak the memory for open segments holds.
func (m model) openFor() float64 {
	return 2 * openShare * float64(m.w.Memory) * float64(m.instances) / m.peak.sealed
}

// Met reports whether the workload stays within every limit that would stop
// it, and which one does not.
func (p Plan) Met() (Limit, bool) {
	for _, l := range p.Limits {
		if l.Share > 1 && !l.Slows {
			return l, false
		}
	}
	return Limit{}, true
}
