package rollup

import (
	"context"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Region is the writing side of one region. All its duties are idempotent.
type Region interface {
	Name() string
	// EnsurePage returns nil once a key page, and the key above it, are durable
	// in this region.
	EnsurePage(ctx context.Context, page names.PageID) error
	// Ensure returns nil once an object of this name holds exactly these bytes,
	// locked until a date unless that is zero.
	Ensure(ctx context.Context, name string, body []byte, retainUntil time.Time) error
	// Delete removes every version of an object for good. A version that is
	// locked stays, and the error wraps fs.ErrPermission.
	Delete(ctx context.Context, name string) error
}

// Secrets hands out the secrets that segments are sealed with.
type Secrets interface {
	Next() (page names.PageID, slot uint16, secret block.Secret, err error)
}

// Copier makes one region hold a segment that only another has.
type Copier interface {
	Copy(ctx context.Context, c cover.Candidate, region string) error
}

// Parts are what a Roller works with.
type Parts struct {
	Archive *cover.Archive
	ID      names.ArchiveID
	Signer  *signed.Signer
	Secrets Secrets
	// Regions are all of the archive's.
	Regions []Region
	Copier  Copier
}

// Options are how segments are rolled up.
type Options struct {
	// Window is the span of time that is rolled up together, by when segments
	// were begun, in UTC.
	Window time.Duration
	// After is how long after its end a window is rolled up.
	After time.Duration
	// Retain is how long a roll-up is kept, from when the newest of what it
	// holds was begun. A segment that is to be kept so long is a roll-up.
	Retain time.Duration
	// Size is what a roll-up may hold, in stored bytes of small segments.
	Size int64
	// Block is the body in bytes after which a block is sealed.
	Block int
	// Compression is what to do to blocks that their producer left
	// uncompressed.
	Compression block.Compression
	// Fields tells which fields the filters of a topic cover, nil for none. It may
	// be nil.
	Fields func(topic string) segment.Fields
	// Spool is a directory with room for one roll-up.
	Spool string
	// Now tells the time; nil is time.Now.
	Now func() time.Time
}
