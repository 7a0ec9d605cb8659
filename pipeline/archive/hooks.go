package archive

import (
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Key names a partition by its topic, whatever life the topic is in.
type Key struct {
	Topic     string
	Partition int32
}

// Reason says why a segment was closed.
type Reason string

// The reasons for which segments close.
const (
	BySize     Reason = "size"
	ByAge      Reason = "age"
	ByPressure Reason = "pressure"
	ByRelease  Reason = "release" // rebalance, shutdown, or the end of a hole
	ByCatchUp  Reason = "caught-up"
)

// Hooks let others observe the archiver: metrics, logs, tests. A hook runs on
// the goroutine of what it observes and must not block. Any may be nil.
type Hooks struct {
	// Fetched tells of batches that arrived, and how many offsets the
	// partition is behind its last stable offset.
	Fetched func(p Key, batches int, records int64, bytes int, lag int64)
	// Sealed tells of a closed segment.
	Sealed func(p names.Range, why Reason, records uint64, plain, sealed int, age time.Duration)
	// Stored tells that a region holds an object.
	Stored func(p names.Range, region string, bytes int, took time.Duration)
	// Tail tells how far both regions are complete.
	Tail func(p Key, next int64)
	// Behind tells that a region was left to be healed later, or was healed.
	Behind func(p Key, region string, behind bool)
	// Stalled tells that a partition makes no progress, and why; with a nil
	// error, that it goes on.
	Stalled func(p Key, err error)
	// Gap tells of offsets that were gone before they could be fetched.
	Gap func(r names.Range, reason string)
	// Unread tells of record values in a closed segment whose fields could not
	// be read: the filters of their blocks cover keys only.
	Unread func(p Key, values uint64)
	// Owned tells that a partition was assigned, or given up.
	Owned func(p Key, owned bool)
	// Memory tells how much of the budget is in use, in bytes.
	Memory func(used, total int64)
}

func (h *Hooks) fetched(p Key, batches int, records int64, bytes int, lag int64) {
	if h.Fetched != nil {
		h.Fetched(p, batches, records, bytes, lag)
	}
}

func (h *Hooks) sealed(p names.Range, why Reason, records uint64, plain, sealed int, age time.Duration) {
	if h.Sealed != nil {
		h.Sealed(p, why, records, plain, sealed, age)
	}
}

func (h *Hooks) stored(p names.Range, region string, bytes int, took time.Duration) {
	if h.Stored != nil {
		h.Stored(p, region, bytes, took)
	}
}

func (h *Hooks) tail(p Key, next int64) {
	if h.Tail != nil {
		h.Tail(p, next)
	}
}

func (h *Hooks) behind(p Key, region string, behind bool) {
	if h.Behind != nil {
		h.Behind(p, region, behind)
	}
}

func (h *Hooks) stalled(p Key, err error) {
	if h.Stalled != nil {
		h.Stalled(p, err)
	}
}

func (h *Hooks) gap(r names.Range, reason string) {
	if h.Gap != nil {
		h.Gap(r, reason)
	}
}

func (h *Hooks) unread(p Key, values uint64) {
	if h.Unread != nil {
		h.Unread(p, values)
	}
}

func (h *Hooks) owned(p Key, owned bool) {
	if h.Owned != nil {
		h.Owned(p, owned)
	}
}

func (h *Hooks) memory(used, total int64) {
	if h.Memory != nil {
		h.Memory(used, total)
	}
}
