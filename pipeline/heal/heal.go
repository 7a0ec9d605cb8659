package heal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Store writes to one region.
type Store interface {
	// Ensure returns nil once an object of this name holds exactly these bytes,
	// locked until a date unless that is zero. Other bytes under the name are
	// fs.ErrExist.
	Ensure(ctx context.Context, name string, body []byte, retainUntil time.Time) error
}

// KeyHealer copies key pages.
type KeyHealer interface {
	// HealPage returns nil once region to holds the page as region from does,
	// and can open it. It fills in what is missing and replaces nothing.
	HealPage(ctx context.Context, from, to string, page names.PageID) error
}

// Targets are what healing writes to.
type Targets struct {
	// Stores are by region name; a region without one is only read.
	Stores map[string]Store
	Keys   KeyHealer
	// Spool is a directory with room for one large object; empty means the
	// system's own for temporary files.
	Spool string
}

// memoryLimit is the largest object that is copied through memory, in bytes. A
// larger one, which is a roll-up, is copied through a file.
const memoryLimit = 64 << 20

// Healer copies what regions lack. It is safe for concurrent use.
type Healer struct {
	archive *cover.Archive
	targets Targets
	now     func() time.Time
	memory  int64 // memoryLimit, but in tests
}

// New makes a healer.
func New(a *cover.Archive, t Targets) *Healer {
	return &Healer{archive: a, targets: t, now: time.Now, memory: memoryLimit}
}

// Options say what Run heals.
type Options struct {
	// Topics are those to heal; none means all.
	Topics []string
	// Hook is told what happens, by one goroutine. It may be nil.
	Hook func(Event)
}

// Event is progress of Run.
type Event struct {
	// Partition is the one at hand.
	Partition names.Partition
	// Copied is the object that was just copied to Region, empty when a
	// partition begins.
	Copied string
	Region string
	Bytes  int
}

// Report is what healing did and could not do.
type Report struct {
	Partitions int   `json:"partitions"`
	Objects    int   `json:"objects_copied"`
	Bytes      int64 `json:"bytes_copied"`
	Pages      int   `json:"key_pages_copied"`
	// Findings are what is not healed, with advice.
	Findings []cover.Finding `json:"findings"`
}

// Run heals everything: files, key pages, segments, gaps. What it cannot heal
// is in the report; the error is of a listing that failed or of the context.
func (h *Healer) Run(ctx context.Context, o Options) (Report, error) {
	j := newJob(h, o.Hook)
	if err := j.all(ctx, o.Topics); err != nil {
		return j.report, fmt.Errorf("heal: %w", err)
	}
	return j.report, nil
}

// Partition heals one partition as Run does.
func (h *Healer) Partition(ctx context.Context, p names.Partition) (Report, error) {
	j := newJob(h, nil)
	err := j.partition(ctx, p)
	return j.report, err
}

// Tail copies to a region what only the others hold of a partition, from an
// offset on and in order, and returns how far the region is complete then, with
// the digest of what ends there. It passes over objects that are no good, and
// stops when a region does not answer. The error is the last of either; the tail
// is right all the same.
func (h *Healer) Tail(ctx context.Context, p names.Partition, region string, from int64) (int64, names.Digest, error) {
	m, err := h.archive.Map(ctx, p)
	if err != nil {
		return from, names.Digest{}, err
	}
	lapsed, err := h.archive.Lapsed(ctx, m)
	if err != nil {
		return from, names.Digest{}, err
	}
	j := newJob(h, nil)
	var failed error
	for _, c := range inOrder(m) {
		if _, gone := lapsed[c.Range]; gone {
			continue
		}
		if _, here := c.Place(region); here || c.Next <= from || m.Down[region] != nil {
			continue
		}
		if err := j.fill(ctx, c, region); err != nil {
			failed = err
			if kind(err) == cover.KindUnreachable {
				break
			}
		}
	}
	t, err := h.archive.Tails(ctx, p)
	if err != nil {
		return from, names.Digest{}, errors.Join(failed, err)
	}
	r := t.Region(region)
	return r.Next, r.Digest, errors.Join(failed, r.Err)
}

// Copy makes a region hold a segment that only another has, its key page first.
// It is nil when it does.
func (h *Healer) Copy(ctx context.Context, c cover.Candidate, region string) error {
	return newJob(h, nil).settle(ctx, c, region)
}

// retain is the date up to which a copy is locked; none that has passed.
func (h *Healer) retain(o *cover.Object) time.Time {
	until := o.Info.RetainUntil
	if o.Segment != nil {
		until = o.Segment.Header().RetainUntil
	}
	if until.Before(h.now()) {
		return time.Time{}
	}
	return until
}

// taken reports whether a name holds other bytes.
func taken(err error) bool { return errors.Is(err, fs.ErrExist) }
