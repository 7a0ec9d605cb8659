package marks

import (
	"context"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// Owner tells which partitions are ours, and how far they are.
type Owner interface {
	Tails() map[archive.Key]archive.Standing
}

// Groups reads consumer groups.
type Groups interface {
	// Read returns the groups that wanted is true for, and where they are. Its
	// error means that nothing could be learnt.
	Read(ctx context.Context, wanted func(group string) bool) (Reading, error)
}

// Keeper keeps a document in the archive.
type Keeper interface {
	Keep(ctx context.Context, f names.Folder, at time.Time, document any) (names.Document, error)
}

// Reading is what was read of the consumer groups at one time.
type Reading struct {
	Groups []GroupReading
	// Unlisted says why groups may be missing; nil when none is.
	Unlisted error
}

// GroupReading is what was read of one group.
type GroupReading struct {
	Name, State, Protocol string
	// Share is true for a share group, of which nothing else is read.
	Share bool
	// At is when the answer was there.
	At      time.Time
	Offsets map[archive.Key]Committed
	// Err says why the group could not be read; the offsets are nil then.
	Err error
}

// Committed is a committed offset.
type Committed struct {
	Offset   int64
	Metadata string
	// Topic is the life of the topic that it is of, zero where brokers do not say.
	Topic names.TopicID
}

// Hooks are told what a writer does. Any may be nil.
type Hooks struct {
	// Looked: at this instant everything was read; written if it was kept.
	Looked func(at time.Time, groups, unread int, written bool)
	// Failed: a mark could not be read or kept.
	Failed func(err error)
}
