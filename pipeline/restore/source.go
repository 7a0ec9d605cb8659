package restore

import (
	"context"
	"iter"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Source is the archive as restore reads it. It must be safe for concurrent use.
type Source interface {
	// Partitions lists what the archive holds of a topic, in all its lineages, the newest lineage last.
	Partitions(ctx context.Context, topic string) ([]names.Partition, error)
	// Survey tells what the archive holds of one partition, from names and footers.
	Survey(ctx context.Context, p names.Partition) (Survey, error)
	// Read yields the partition's offsets [from, next), each once and in order, from whatever copies open. It leaves out
	// blocks for which skip is true. An error comes last. The records that come must be the same in every call.
	Read(ctx context.Context, p names.Partition, from, next int64, skip func(segment.BlockInfo) bool) iter.Seq2[Piece, error]
}

// Piece is a run of offsets of one batch.
type Piece interface {
	// Whole returns a batch as it was archived, if nothing of it is cut off or came from elsewhere. The bytes are read only.
	Whole() (recordbatch.Header, []byte, bool)
	// Records yields the records of the piece in offset order. They are valid until the next one.
	Records(d *recordbatch.Decoder) iter.Seq2[recordbatch.Record, error]
	// IsControl is true for markers, which hold no data.
	IsControl() bool
}

// Survey is what an archive holds of one partition.
type Survey struct {
	// Segments are sorted by base offset. They may overlap.
	Segments []Segment
	// Gaps are known to be missing, sorted by base offset.
	Gaps []Gap
}

// Segment describes one stored segment of a partition.
type Segment struct {
	// Name is the object's name; it ends in the digest of the content.
	Name string
	// Base and Next are the offsets [Base, Next) that the segment vouches for.
	Base, Next int64
	// Records and Bytes are upper bounds: segments may overlap, and records may be erased. Bytes are stored bytes.
	Records, Bytes int64
	// MaxTimestamp is the highest timestamp of a record in ms, [segment.NoTimestamp] where there is no record.
	MaxTimestamp int64
}

// Gap is a range of offsets [Base, Next) that the archive does not hold.
type Gap struct {
	Base   int64  `json:"base"`
	Next   int64  `json:"next"`
	Reason string `json:"reason"`
	// Unexplained is true where no gap file says that the offsets are lost: healing may bring them back.
	Unexplained bool `json:"unexplained,omitempty"`
}

// after tells whether a block is known to lie wholly after a moment.
func after(b segment.BlockInfo, to int64) bool {
	return b.MinTimestamp != segment.NoTimestamp && b.MinTimestamp > to
}
