package events

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int32
}

func (p Place) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.Partition) }

// Outcome is what became of a record.
type Outcome uint8

const (
	// nothing is at an offset that the ledger does not know: a transaction
	// marker, for one.
	nothing Outcome = iota
	// Committed records are there for every consumer. Those written without a
	// transaction are too.
	Committed
	// Aborted records are in the log, and no read_committed consumer may see them.
	Aborted
)

// Entry is what a ledger keeps of a record.
type Entry struct {
	Sum       Sum
	Timestamp int64 // ms
}

// Ledger is what was produced, by place and offset. It takes 25 bytes a record,
// up to twice that while it grows, and is safe for concurrent use. Checks read
// it when all is noted.
type Ledger struct {
	mu    sync.Mutex
	pages map[Place]*page
}

// page holds the records of one partition, by offset.
type page struct {
	entries  []Entry
	outcomes []Outcome
}

// NewLedger makes an empty ledger.
func NewLedger() *Ledger { return &Ledger{pages: make(map[Place]*page)} }

// Note writes down that the records at offset base and on had an outcome. An
// offset that is noted twice is an error: the broker gave it away twice.
func (l *Ledger) Note(at Place, base int64, outcome Outcome, entries ...Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pages[at]
	if p == nil {
		p = new(page)
		l.pages[at] = p
	}
	p.grow(int(base) + len(entries))
	for i, e := range entries {
		o := int(base) + i
		if p.outcomes[o] != nothing {
			return fmt.Errorf("note %s offset %d: it was noted before", at, o)
		}
		p.entries[o], p.outcomes[o] = e, outcome
	}
	return nil
}

func (p *page) grow(n int) {
	if more := n - len(p.entries); more > 0 {
		p.entries = append(p.entries, make([]Entry, more)...)
		p.outcomes = append(p.outcomes, make([]Outcome, more)...)
	}
}

// Places lists the partitions that have records, sorted.
func (l *Ledger) Places() []Place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Place
	for at := range l.pages {
		all = append(all, at)
	}
	slices.SortFunc(all, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

// End is the offset behind the last record of a partition that was noted, 0 if
// there is none.
func (l *Ledger) End(at Place) int64 { return int64(len(l.page(at).entries)) }

// Count is how many records had an outcome, in all partitions.
func (l *Ledger) Count(outcome Outcome) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var n int64
	for _, p := range l.pages {
		for _, o := range p.outcomes {
			if o == outcome {
				n++
			}
		}
	}
	return n
}

// page gives a partition's page, an empty one if there is none.
func (l *Ledger) page(at Place) *page {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.pages[at]; p != nil {
		return p
	}
	return new(page)
}
