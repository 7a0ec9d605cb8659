package capacity

import "math"

// rollups is how many large segments a region gets in a day: full ones, and for
// each partition and span one that is not.
func (m model) rollups() float64 {
	return m.average.sealed*secondsADay/float64(m.w.RollUp.Size) + m.catalogues()
}

// catalogues is how many catalogue pages there are in a day: one a partition
// and span.
func (m model) catalogues() float64 {
	return float64(m.w.Partitions) * math.Max(1, secondsADay/m.w.RollUp.Every.Seconds())
}

// indexEntry is an index entry of a segment with few blocks, and what each
// block adds, in bytes (sinks/index: "entries are some 400 bytes"; section 1.5
// of FORMAT.md).
const indexEntry = 400.0

func (m model) objects() Objects {
	small := m.average.segments * secondsADay
	pages := small / pageSlots
	days := m.w.RetentionDays
	o := Objects{PerDay: small + pages, KeptPlain: (small + pages) * days}
	o.Kept = o.KeptPlain
	blocks := m.average.wire * secondsADay / blockBytes
	o.IndexBytes = (small*indexEntry + blocks*entryBytes) * days
	if m.w.RollUp.On {
		large := m.rollups() + m.catalogues()
		// Key pages stay with the large segments' own secrets.
		o.PerDay += large + m.rollups()/pageSlots
		keep := math.Min(m.w.RollUp.SmallDays, days)
		o.Kept = (small+pages)*keep + (large+m.rollups()/pageSlots)*days
		o.IndexBytes = small*indexEntry*keep + (m.rollups()*indexEntry+blocks*entryBytes)*days
	}
	return o
}

// requests are of a month. What is constant in time grows with what is kept:
// LISTs of a start and of a verification are of all that is there.
func (m model) requests() Requests {
	o, regions, month := m.objects(), float64(m.w.Regions), daysAMonth
	starts := m.w.Monthly.Starts * float64(m.w.Partitions) // each start of an instance begins its share
	pagesOfAll := math.Ceil(o.Kept/listPage) + float64(m.w.Partitions)
	r := Requests{
		Put:  o.PerDay * month,
		List: starts*m.p.Lists + (m.w.Monthly.Starts+m.w.Monthly.Verifies)*pagesOfAll + float64(m.instances)*hoursAMonth,
		Get:  starts*m.p.Gets + m.w.Monthly.Verifies*o.Kept + float64(m.instances)*hoursAMonth,
	}
	r.Put, r.List, r.Get = r.Put*regions, r.List*regions, r.Get*regions
	small := m.average.segments * secondsADay
	r.Get += m.rolled(small*smallGets+regions*m.average.sealed*secondsADay/readBytes) * month
	r.Get += m.w.Monthly.Restores * (m.restoredObjects() + m.average.sealed*secondsADay/readBytes)
	r.Get += m.w.Monthly.Finds * m.blocksOfADay() * falseBlocks
	r.KMS = regions * (float64(m.instances)*m.w.Monthly.Starts*keksOpen + keksAMonth + m.w.Monthly.Restores + m.w.Monthly.Verifies)
	return r
}

const (
	// listPage is the keys of one LIST (S3, ListObjectsV2).
	listPage = 1000.0
	// smallGets is how often a roll-up asks for a small segment: footer, key
	// page, body. What it made it reads back, block by block.
	smallGets = 3.0
	// readBytes is what one ranged GET of a reader brings: a block.
	readBytes = blockBytes
	// falseBlocks is how many blocks an 8-bit filter lets through wrongly.
	falseBlocks = 1.0 / 256
	// keksOpen is how many key-encryption keys a start opens: the young ones. A
	// new one is made every 30 days (sinks/keys.DefaultKEKAge) and wrapped once
	// a region.
	keksOpen   = 2.0
	keksAMonth = daysAMonth / 30
)

// restoredObjects is how many segments hold an average day.
func (m model) restoredObjects() float64 {
	if m.w.RollUp.On {
		return m.rollups()
	}
	return m.average.segments * secondsADay
}

// blocksOfADay is how many blocks a day has in a region.
func (m model) blocksOfADay() float64 {
	return math.Max(m.average.wire/blockBytes, m.average.segments) * secondsADay
}

// storedAfter is the bytes of all regions after some days.
func (m model) storedAfter(days float64) float64 {
	return (math.Min(days, m.w.RetentionDays) + m.twice(days)) * m.bytesADay()
}

// twice is how many days are there as small segments and rolled up: what the
// last roll-up took, until it has lapsed.
func (m model) twice(days float64) float64 {
	if !m.w.RollUp.On || days < m.w.RollUp.SmallDays {
		return 0
	}
	return m.w.RollUp.Every.Seconds() / secondsADay
}

func (m model) bytesADay() float64 {
	pages := m.average.segments / pageSlots * pageBytes
	return (m.average.sealed + pages) * secondsADay * float64(m.w.Regions)
}

func (m model) stored() Stored {
	return Stored{
		PerEvent: m.average.sealed / m.average.rate, PerDay: m.bytesADay(),
		First: m.storedAfter(daysAMonth), Year: m.storedAfter(12 * daysAMonth), Full: m.storedAfter(m.w.RetentionDays),
	}
}

// tierBytes is how much of what is stored after some days lies in each tier.
// What is there twice is in the first.
func (m model) tierBytes(days float64) []float64 {
	days = math.Min(days, m.w.RetentionDays)
	out := make([]float64, len(m.w.Tiers))
	left := days
	for i, t := range m.w.Tiers {
		in := left
		if i < len(m.w.Tiers)-1 {
			in = math.Min(left, t.Days)
		}
		out[i] = in * m.bytesADay()
		left -= in
	}
	out[0] += m.twice(days) * m.bytesADay()
	return out
}
