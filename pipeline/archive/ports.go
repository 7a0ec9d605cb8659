package archive

import (
	"context"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Region is the writing side of one region. Both duties are idempotent: after
// an unclear answer the archiver simply asks again, with the same bytes.
type Region interface {
	Name() string
	// EnsurePage returns nil once the key page, and the key-encryption key
	// that wraps it, are durable in this region.
	EnsurePage(ctx context.Context, page names.PageID) error
	// Ensure returns nil once an object of this name holds exactly these bytes
	// in this region, whoever wrote it. Other bytes under the name are an error.
	// sum is the CRC-32C of body: the store compares it with what arrives.
	Ensure(ctx context.Context, name string, body []byte, sum uint32, retainUntil time.Time) error
}

// Secrets hands out the secrets that segments are sealed with. Each is used
// once, by one segment; its key page becomes durable by Region.EnsurePage.
type Secrets interface {
	Next() (page names.PageID, slot uint16, secret block.Secret, err error)
}

// Catalogue tells where a partition's archive ends in each region.
type Catalogue interface {
	Tails(ctx context.Context, p names.Partition) (cover.Tails, error)
}

// Healer copies to one region what only the other holds of a partition, from
// an offset on, and returns the offset and digest up to which the region is
// complete then.
type Healer interface {
	Heal(ctx context.Context, p names.Partition, region string, from Tail) (Tail, error)
}

// Index is the local catalogue. It is a convenience: its errors never hold up
// the archive, and nothing is read from it.
type Index interface {
	// Begin tells that a partition is archived here from now on. The index
	// catches up with the regions in its own time; Begin does not wait.
	Begin(p names.Partition)
	// Stored tells of a segment and the regions that hold it now.
	Stored(s *segment.Sealed, regions []string) error
}

// Tail is how far one region is complete for one partition.
type Tail struct {
	// Next is the first offset that the region does not hold.
	Next int64
	// Digest is that of the segment or gap that ends at Next, zero where there
	// is none.
	Digest names.Digest
}
