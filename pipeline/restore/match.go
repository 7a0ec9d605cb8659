package restore

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// clockSkew is how far a producer's clock and a broker's may be apart, in ms,
// before the time of a record stops being a witness of when it was written.
const clockSkew = int64(5 * time.Second / time.Millisecond)

// Doubt is a transaction of which it is not certain whether it was complete at
// the moment.
type Doubt struct {
	Producer int64 `json:"producer_id"`
	Epoch    int16 `json:"producer_epoch"`
	// Why is for people.
	Why string `json:"why"`
	// In tells how Force takes it: whole, or not at all.
	In bool `json:"in"`
	// Parts are what may belong to one transaction.
	Parts []DoubtPart `json:"parts"`
}

// DoubtPart is what a doubtful transaction may have in one partition.
type DoubtPart struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Base and Next are the offsets of its data, [Base, Next).
	Base int64 `json:"base"`
	Next int64 `json:"next"`
	// Marker is the time of its commit marker in ms, 0 where it is not known.
	Marker int64 `json:"marker_ms,omitempty"`
}

// match decides which marks are out. Marks of one producer and epoch are
// brought together over all partitions.
type match struct {
	bounds
	scans  []*scan
	doubts []Doubt
	// absent are transactions that are out because a marker is not archived.
	// Their other parts may be older than what was looked at.
	absent []Transaction
}

// ended names the transactions that a marker may end.
type ended struct {
	producer int64
	epoch    int16
}

// seat is a mark in its partition.
type seat struct {
	*mark
	scan *scan
}

// run decides about every mark.
func (m *match) run() {
	m.name()
	groups := map[ended][]seat{}
	for _, sc := range m.scans {
		for _, mk := range sc.marks {
			key := ended{mk.producer, mk.epoch}
			groups[key] = append(groups[key], seat{mk, sc})
		}
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(x, y ended) int {
		return cmp.Or(cmp.Compare(x.producer, y.producer), cmp.Compare(x.epoch, y.epoch))
	})
	for _, key := range keys {
		group := groups[key]
		if slices.ContainsFunc(group, func(s seat) bool { return s.version1() }) {
			m.byOrder(group)
		} else {
			m.exact(group)
		}
	}
}

// name gives marks that were not found the epoch that they must have had, as
// the other markers of the producer tell.
func (m *match) name() {
	versions := map[ended]version{} // by the epoch of the data
	last := map[int64]version{}     // by producer
	for _, sc := range m.scans {
		for _, mk := range sc.marks {
			if mk.found == archived && mk.data != nil {
				v := version1
				if mk.version2() {
					v = version2
				}
				versions[ended{mk.producer, mk.data.epoch}], last[mk.producer] = v, v
			}
		}
	}
	for _, sc := range m.scans {
		for _, mk := range sc.marks {
			if mk.found == archived {
				continue
			}
			mk.version = cmp.Or(versions[ended{mk.producer, mk.epoch}], last[mk.producer])
			if mk.version == version2 {
				mk.epoch++
			}
		}
	}
}

// exact decides about the marks of one transaction: its last one counts.
func (m *match) exact(group []seat) {
	var last, sure int64 = math.MinInt64, math.MinInt64
	unknown := false
	for _, s := range group {
		sure = max(sure, s.earliest)
		if s.found == archived || s.found == removed {
			last = max(last, s.latest)
		}
		unknown = unknown || s.found == ahead
	}
	if unknown && sure <= m.to {
		m.absent = append(m.absent, Transaction{Producer: group[0].producer, Epoch: group[0].epoch - 1, Next: math.MaxInt64})
	}
	out := sure > m.to || unknown
	if !out && last > m.to {
		m.doubt("a marker is missing, and those around it are of before and after the moment", true, group)
	}
	for _, s := range group {
		s.out = out
	}
}

// byOrder decides about marks of which several transactions may share producer
// and epoch. Within a partition one follows the other. Across partitions, the
// last one before the moment may belong together with the first one after it in
// another partition; every other pair has a mark of the same partition between.
// The group has the marks of one partition behind those of another, in order.
func (m *match) byOrder(group []seat) {
	var before, after []seat // the last and the first of each partition
	for _, s := range group {
		s.out = s.earliest > m.to || s.found == ahead
		if s.found == ahead && m.early(s.earliest) {
			m.doubt("the archive ends before its marker, and long before the moment", false, []seat{s})
		}
		if !s.out && s.latest > m.to {
			m.doubt("its marker is missing, and those around it are of before and after the moment", true, []seat{s})
		}
		switch n := len(before); {
		case !s.out && n > 0 && before[n-1].scan == s.scan:
			before[n-1] = s
		case !s.out:
			before = append(before, s)
		case len(after) == 0 || after[len(after)-1].scan != s.scan:
			after = append(after, s)
		}
	}
	for _, a := range before {
		next := followed(a, group)
		for _, b := range after {
			if a.scan != b.scan && a.scan.restored && a.data != nil && m.mayBeOne(a, b) {
				m.pair(a, b, next)
			}
		}
	}
}

// followed tells when the producer began its next transaction after a mark, as
// far as the times of its records tell.
func followed(a seat, group []seat) int64 {
	var next int64 = math.MaxInt64
	for _, b := range group {
		if b.data != nil && b.data.created >= a.latest {
			next = min(next, b.data.created)
		}
	}
	return next
}

// mayBeOne tells whether two marks may be of one transaction: not if they are
// further apart than the window, nor if the data of the later one was created
// after the earlier one, for then that transaction had been complete. A
// producer's time is believed if it agrees with the broker's.
func (m *match) mayBeOne(a, b seat) bool {
	if b.earliest > a.earliest && b.earliest-a.earliest > m.window {
		return false
	}
	d := b.data
	if d == nil || !d.sane {
		return true
	}
	believed := b.found == archived && d.created <= b.earliest+clockSkew && d.latest <= b.earliest+clockSkew
	return !believed || d.created <= a.latest+clockSkew
}

// pair takes two marks for one transaction if the earlier one lies in the later
// half of the time from the creation of the later one's data to its marker. A producer creates the records of its next transaction while
// the markers of the last are still being written, so being created before a
// marker says little. A later mark without data belongs to the earlier one
// unless the producer went on in between. It remains a doubt.
func (m *match) pair(a, b seat, next int64) {
	one := b.earliest < next
	switch {
	case b.found != archived:
		one = b.data.created < a.latest
	case b.data != nil:
		one = a.latest-b.data.created >= b.earliest-a.latest
	}
	m.doubt("its producer is of an older protocol, where several transactions share an epoch: "+
		"the part before the moment and the one after it may be one transaction or two", !one, []seat{a, b})
	a.out = a.out || one
}

// doubt is about what comes back alone.
func (m *match) doubt(why string, in bool, group []seat) {
	if !slices.ContainsFunc(group, func(s seat) bool { return s.scan.restored && s.data != nil }) {
		return
	}
	d := Doubt{Producer: group[0].producer, Epoch: group[0].epoch, Why: why, In: in}
	for _, s := range group {
		part := DoubtPart{Topic: s.scan.place.topic, Partition: s.scan.place.partition, Base: s.offset, Next: s.offset}
		if s.data != nil {
			d.Epoch, part.Base, part.Next = s.data.epoch, s.data.base, s.data.next
		}
		if s.found == archived {
			part.Marker = s.earliest
		}
		d.Parts = append(d.Parts, part)
	}
	m.doubts = append(m.doubts, d)
}

// cut says what the decisions mean for the data of a partition.
func (sc *scan) cut(absent []Transaction) *TransactionCut {
	c := &TransactionCut{From: math.MaxInt64, Out: slices.Clone(absent)}
	if n := len(sc.marks); n > 0 && sc.marks[n-1].out {
		c.From = sc.begin
		for n > 0 && sc.marks[n-1].out {
			n--
		}
		if n > 0 {
			c.From = sc.marks[n-1].offset + 1
		}
	}
	for _, m := range sc.marks {
		if m.out && (m.first || m.data != nil && m.data.base < c.From) {
			c.Out = append(c.Out, sc.transaction(m))
		}
	}
	slices.SortFunc(c.Out, func(a, b Transaction) int { return cmp.Or(compareTransactions(a, b), cmp.Compare(b.Next, a.Next)) })
	c.Out = slices.CompactFunc(c.Out, func(a, b Transaction) bool { return compareTransactions(a, b) == 0 })
	return c
}

// transaction returns the data that a mark ends. With version 2 its epoch names
// it, so that it need not have been seen from its beginning.
func (sc *scan) transaction(m *mark) Transaction {
	t := Transaction{Producer: m.producer, Epoch: m.epoch - 1, Next: m.offset}
	if m.version1() {
		t.Epoch, t.Base = m.epoch, m.data.base
		if m.first {
			t.Base = min(t.Base, sc.begin)
		}
	}
	return t
}
