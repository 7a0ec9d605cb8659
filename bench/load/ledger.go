package load

import (
	"cmp"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/names"
)

// Batch is one batch that the broker acknowledged.
type Batch struct {
	// Base is the offset of its first event.
	Base int64
	// CRC is the batch's CRC-32C, of everything from the attributes on: what
	// its header holds, at the broker and in an archive.
	CRC   uint32
	count uint32 // of its events, and whether they were aborted
}

const abortedBit = 1 << 31

// NewBatch is a batch of count events.
func NewBatch(base int64, crc uint32, count int32, aborted bool) Batch {
	b := Batch{Base: base, CRC: crc, count: uint32(count)}
	if aborted {
		b.count |= abortedBit
	}
	return b
}

// Count is how many events the batch has, each with an offset of its own.
func (b Batch) Count() int64 { return int64(b.count &^ abortedBit) }

// Aborted says that the batch's transaction was aborted: nobody must read it.
func (b Batch) Aborted() bool { return b.count&abortedBit != 0 }

// Next is the offset after the batch.
func (b Batch) Next() int64 { return b.Base + b.Count() }

// Needle is a key that was strewn thinly over the topic, to be looked for.
type Needle struct {
	Key string `json:"key"`
	// Partition is where all its events are, which is where the producers'
	// default partitioner puts the key.
	Partition int32 `json:"partition"`
	// Events is how many the broker acknowledged and no transaction aborted.
	Events int `json:"events"`
}

// Facts are what a ledger knows besides its batches.
type Facts struct {
	Topic   string        `json:"topic"`
	TopicID names.TopicID `json:"topic_id"`
	// Workload is what was made: its EventBytes and Ratio are measured.
	Workload report.Workload `json:"workload"`
	// Partitioned says that every key is in the partition that the producers'
	// default partitioner (murmur2) gives it, and not only the needles.
	Partitioned bool     `json:"partitioned"`
	Needles     []Needle `json:"needles"`
	// Result is that of the run, once it has ended.
	Result Result `json:"result"`
}

// Ledger is what the broker acknowledged: for each batch 16 bytes, and sparsely
// when it was produced. It is safe for concurrent use; Facts are not, while a
// run goes on.
type Ledger struct {
	Facts
	parts []part
}

type part struct {
	mu      sync.Mutex
	sorted  bool
	batches []Batch
	marks   []mark
}

// mark says that the events from an offset on were produced at a time or
// later.
type mark struct {
	offset int64
	at     int64 // ms since the epoch
}

// markEvery is how far apart marks are at least, in ms.
const markEvery = 100

// NewLedger makes an empty ledger.
func NewLedger(f Facts) *Ledger {
	return &Ledger{Facts: f, parts: make([]part, f.Workload.Partitions)}
}

// Partitions is how many the topic has.
func (l *Ledger) Partitions() int { return len(l.parts) }

// Note adds a batch that was produced at a time.
func (l *Ledger) Note(partition int32, b Batch, at time.Time) {
	p := &l.parts[partition]
	ms := at.UnixMilli()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sorted = len(p.batches) == 0 || p.sorted && p.batches[len(p.batches)-1].Base < b.Base
	p.batches = append(p.batches, b)
	if n := len(p.marks); n == 0 || p.marks[n-1].offset < b.Base && p.marks[n-1].at+markEvery <= ms {
		p.marks = append(p.marks, mark{b.Base, ms})
	}
}

// Batches returns a partition's batches in offset order. They must not be
// changed, and not be kept beyond the next Note.
func (l *Ledger) Batches(partition int32) []Batch {
	p := &l.parts[partition]
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sorted {
		slices.SortFunc(p.batches, func(a, b Batch) int { return cmp.Compare(a.Base, b.Base) })
		p.sorted = true
	}
	return p.batches
}

// End is the offset after a partition's last batch, 0 if there is none.
func (l *Ledger) End(partition int32) int64 {
	b := l.Batches(partition)
	if len(b) == 0 {
		return 0
	}
	return b[len(b)-1].Next()
}

// Events are those acknowledged, without the aborted ones.
func (l *Ledger) Events() (n int64) {
	for p := range l.parts {
		for _, b := range l.Batches(int32(p)) {
			if !b.Aborted() {
				n += b.Count()
			}
		}
	}
	return n
}

// Missing is how many events there are from an offset on, without the aborted
// ones: the lag of whoever is at that offset.
func (l *Ledger) Missing(partition int32, from int64) (n int64) {
	batches := l.Batches(partition)
	i := sort.Search(len(batches), func(i int) bool { return batches[i].Next() > from })
	for _, b := range batches[i:] {
		if !b.Aborted() {
			n += b.Next() - max(b.Base, from)
		}
	}
	return n
}

// Age is how old the oldest event was, at a time, of those that a store lacked
// which held a partition up to next: the age of its tail. It is 0 if all that
// had been produced by then was there. It may be 100 ms too high, never too
// low, and is right afterwards as well as at that time.
func (l *Ledger) Age(partition int32, next int64, at time.Time) time.Duration {
	if next >= l.End(partition) {
		return 0
	}
	p := &l.parts[partition]
	p.mu.Lock()
	defer p.mu.Unlock()
	i := sort.Search(len(p.marks), func(i int) bool { return p.marks[i].offset > next })
	return max(at.Sub(time.UnixMilli(p.marks[max(i-1, 0)].at)), 0)
}
