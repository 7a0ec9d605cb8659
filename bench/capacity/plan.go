package capacity

import (
	"fmt"
	"math"
)

// Plan is the answer.
type Plan struct {
	Workload Workload `json:"workload"`
	Profile  string   `json:"profile"` // name, date and machine it was measured on
	Prices   string   `json:"prices"`

	Instances   int     `json:"instances"`
	CoresBusy   float64 `json:"cores_busy"`      // on average, roll-up included
	CoresPeak   float64 `json:"cores_busy_peak"` // at the peak rate
	CoresNeeded float64 `json:"cores_needed"`    // so that at the peak no more than machine.busy is
	CPUPerEvent float64 `json:"cpu_us_per_event"`
	RollUpCores float64 `json:"roll_up_cores"`
	// MemoryEach is resident memory of an instance, in bytes.
	MemoryEach float64 `json:"memory_bytes_per_instance"`

	Network []Traffic `json:"network"`
	// FetchPeak is bytes a second from Kafka at the peak.
	FetchPeak float64 `json:"network_peak_bytes"`

	SegmentSeconds float64 `json:"segment_seconds"`
	SegmentBytes   float64 `json:"segment_bytes"`
	ClosedBy       string  `json:"closed_by"`

	Objects  Objects  `json:"objects"`
	Requests Requests `json:"requests_a_month"`
	Stored   Stored   `json:"stored"`

	Monthly []Line  `json:"monthly"`
	First   float64 `json:"first_month"`
	Year    float64 `json:"month_12"`
	Full    float64 `json:"month_at_full_retention"`

	CatchUpAverage float64 `json:"catch_up_seconds_average"` // −1: never
	CatchUpPeak    float64 `json:"catch_up_seconds_peak"`
	RestoreDay     float64 `json:"restore_day_seconds"`
	RecoveryPoint  float64 `json:"recovery_point_seconds"`

	Limits []Limit `json:"limits"` // the one that is nearest first
}

// Traffic is what goes in and out of one place, in bytes a second on average.
type Traffic struct {
	Place string  `json:"place"`
	In    float64 `json:"in"`
	Out   float64 `json:"out"`
}

// Objects are of one region.
type Objects struct {
	PerDay float64 `json:"per_day"` // written: segments, key pages, roll-ups and their pages
	// KeptPlain is how many lie there at full retention without a roll-up,
	// Kept with what the workload says.
	KeptPlain float64 `json:"kept_without_roll_up"`
	Kept      float64 `json:"kept"`
	// IndexBytes is the local index of all instances.
	IndexBytes float64 `json:"index_bytes"`
}

// Requests are of all regions together, in a month.
type Requests struct {
	Put  float64 `json:"put"`
	Get  float64 `json:"get"`
	List float64 `json:"list"`
	KMS  float64 `json:"kms"`
}

// Stored are bytes of all regions together.
type Stored struct {
	PerEvent float64 `json:"per_event"` // in one region
	PerDay   float64 `json:"per_day"`
	First    float64 `json:"after_a_month"`
	Year     float64 `json:"after_12_months"`
	Full     float64 `json:"full"`
}

// Make plans an archive. It returns an error for a workload that makes no sense
// and for storage classes that have no price; a workload that cannot be met at
// all, such as more rate than partitions can carry, is a plan whose first limit
// is above 100 %.
func Make(p Profile, w Workload, prices Prices) (Plan, error) {
	if err := w.Validate(); err != nil {
		return Plan{}, fmt.Errorf("plan %s: %w", w.Name, err)
	}
	for _, t := range w.Tiers {
		if _, err := prices.class(t.Class); err != nil {
			return Plan{}, fmt.Errorf("plan %s: %w", w.Name, err)
		}
	}
	m := model{p: p, w: w, prices: prices, average: p.at(w, w.Average), peak: p.at(w, w.Peak)}
	m.instances = m.countInstances()
	return m.plan(), nil
}

// model is a workload at work.
type model struct {
	p             Profile
	w             Workload
	prices        Prices
	average, peak flow
	instances     int
}

// usable is what an instance has, of cores and of network each way in bytes a
// second.
func (m model) usable() (cores, network float64) {
	return m.w.Machine.Cores * m.w.Machine.Busy, m.w.Machine.Network * gb / 8 * m.w.Machine.Busy
}

func (m model) countInstances() int {
	cores, network := m.usable()
	n := math.Max(m.coresPeak()/cores, math.Max(m.outPeak(), m.inPeak())/network)
	return int(math.Max(math.Ceil(n-1e-9), float64(m.w.Machine.AtLeast)))
}

// coresPeak is what is busy at the peak. A roll-up runs days later, beside it,
// and its work is that of the average.
func (m model) coresPeak() float64 { return m.peak.cores + m.average.rollup }

// inPeak and outPeak are bytes a second of all instances: fetches and what a
// roll-up reads, and what goes to all regions.
func (m model) inPeak() float64 {
	return m.peak.wire + m.rolled(m.average.sealed)*float64(1+m.w.Regions)
}

func (m model) outPeak() float64 {
	return float64(m.w.Regions) * (m.peak.sealed + m.rolled(m.average.sealed))
}

// rolled is v if there is a roll-up.
func (m model) rolled(v float64) float64 { return only(m.w.RollUp.On, v) }

func (m model) plan() Plan {
	out := Plan{
		Workload: m.w, Profile: m.p.describe(), Prices: m.prices.describe(), Instances: m.instances,
		CoresBusy: m.average.cores + m.average.rollup, CoresPeak: m.coresPeak(), RollUpCores: m.average.rollup,
		CoresNeeded: m.coresPeak() / m.w.Machine.Busy, CPUPerEvent: m.peak.cores / m.peak.rate * 1e6,
		MemoryEach: m.memory(), Network: m.network(), FetchPeak: m.peak.wire,
		SegmentSeconds: m.average.interval, ClosedBy: m.average.by, SegmentBytes: m.average.sealed / m.average.segments,
		Objects: m.objects(), Requests: m.requests(), Stored: m.stored(),
		CatchUpAverage: m.catchUp(m.w.Average, m.w.Average), CatchUpPeak: m.catchUp(m.w.Peak, m.w.Average),
		RestoreDay: m.restoreDay(), RecoveryPoint: m.recoveryPoint(),
	}
	out.Monthly = m.lines(out)
	for _, l := range out.Monthly {
		out.First, out.Year, out.Full = out.First+l.First, out.Year+l.Year, out.Full+l.Full
	}
	out.Limits = m.limits(out)
	return out
}

func (p Profile) describe() string {
	return fmt.Sprintf("%s of %s, %d points, on %s with %d cores", p.Name, p.Date, p.Points, p.Machine.CPU, p.Machine.Cores)
}

func (p Prices) describe() string { return fmt.Sprintf("%s (%s, %s)", p.Name, p.Currency, p.AsOf) }

// memory is what an instance keeps resident.
func (m model) memory() float64 {
	each := math.Ceil(float64(m.w.Partitions) / float64(m.instances))
	return m.p.Memory.Base + each*m.p.Memory.Partition + m.p.Memory.Budget*float64(m.w.Memory)
}

// network is the average traffic of each place. The roll-up reads the first
// region, writes to all, and reads back from all.
func (m model) network() []Traffic {
	pages := m.average.segments / pageSlots * pageBytes
	written := m.average.sealed + m.rolled(m.average.sealed) + pages
	all := []Traffic{{Place: "Kafka", Out: m.average.wire}}
	for i := range m.w.Regions {
		t := Traffic{Place: "region " + string(rune('a'+i)), In: written, Out: m.rolled(m.average.sealed)}
		if i == 0 {
			t.Out *= 2
		}
		all = append(all, t)
	}
	return all
}

// capacity is how many events a second all instances can take while they catch
// up, with all of their cores and network.
func (m model) capacity() float64 {
	perEvent := m.peak.cores / m.peak.rate
	byCPU := float64(m.instances) * m.w.Machine.Cores / perEvent
	bytes := math.Max(m.peak.wire, float64(m.w.Regions)*m.peak.sealed) / m.peak.rate
	byNetwork := float64(m.instances) * m.w.Machine.Network * gb / 8 / bytes
	// One partition has one sealer, which is never faster than a core.
	byPartition := float64(m.w.Partitions) / m.w.Hottest / perEvent
	return math.Min(byCPU, math.Min(byNetwork, byPartition))
}

// catchUp is how long the archiver works off an hour at one rate while events
// go on to come at another, in seconds; −1 if it never does.
func (m model) catchUp(missed, now float64) float64 {
	spare := m.capacity() - now
	if spare <= 0 {
		return -1
	}
	return missed * 3600 / spare
}

// restoreDay is how long one process on one machine restores an average day.
func (m model) restoreDay() float64 {
	day := work{
		events: m.w.Average * secondsADay, plain: m.w.Average * float64(m.w.EventBytes) * secondsADay, wire: m.average.wire * secondsADay,
		sealed: m.average.sealed * secondsADay, batches: m.w.Average / m.w.BatchEvents * secondsADay,
		segments: m.average.segments * secondsADay, starts: 1, codec: m.w.Codec,
	}
	if m.w.RollUp.On {
		day.segments = m.rollups()
	}
	byCPU := m.p.Restore.cpu(day) / m.w.Machine.Cores
	byNetwork := math.Max(day.sealed, day.wire) / (m.w.Machine.Network * gb / 8)
	return math.Max(byCPU, byNetwork)
}

// recoveryPoint is how old what is lost may be if Kafka is lost with the
// archiver's machine: the longest a segment is open, and the time to store it.
func (m model) recoveryPoint() float64 {
	return math.Min(m.average.interval, m.w.SegmentAge.Seconds()) + fetchWait + m.p.StoreSeconds
}

// fetchWait is the default of fetch.max_wait, in seconds.
const fetchWait = 0.5
