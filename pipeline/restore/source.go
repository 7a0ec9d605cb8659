package restore

import (
	"context"
	"iter"
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Source is the archive as restore reads it. It must be safe for concurrent use.
type Source interface {
	// Partitions lists what the archive holds of a topic, in all its lineages;
	// of every topic if the name is empty.
	Partitions(ctx context.Context, topic string) ([]names.Partition, error)
	// Lives tells the lives of a topic, in the order of their first signs.
	Lives(ctx context.Context, topic string) ([]Life, error)
	// Setups tells how a life of a topic was set up over time, the earliest
	// first. What comes beside an error is what could be read.
	Setups(ctx context.Context, topic string, id names.TopicID) ([]Setup, error)
	// Survey tells what the archive holds of one partition, from names and footers.
	Survey(ctx context.Context, p names.Partition) (Survey, error)
	// Read yields the partition's offsets [from, next), each once and in order,
	// from whatever copies open. It leaves out blocks for which skip, which may
	// be called by several goroutines, is true. An error comes last; offsets
	// that no copy serves are one. The records that come must be the same in
	// every call.
	Read(ctx context.Context, p names.Partition, from, next int64, skip func(segment.BlockInfo) bool) iter.Seq2[Piece, error]
}

// Piece is a run of offsets of one batch.
type Piece interface {
	// Whole returns a batch as it was archived, if nothing of it is cut off or
	// came from elsewhere. The bytes are read only.
	Whole() (recordbatch.Header, []byte, bool)
	// Records yields the records of the piece in offset order. They are valid
	// until the next one.
	Records(d *recordbatch.Decoder) iter.Seq2[recordbatch.Record, error]
	// Header is that of the batch which the piece comes from. Its producer is
	// that of every record; its offsets and times may not be those of the piece.
	Header() recordbatch.Header
	// IsControl is true for markers, which hold no data.
	IsControl() bool
}

// Survey is what an archive holds of one partition.
type Survey struct {
	// Segments are sorted by base offset. They may overlap.
	Segments []Segment
	// Gaps are offsets that no segment holds, sorted by base offset.
	Gaps []Gap
	// Parent is the lineage that this one branched from, where the first
	// segment begins; nil if it branched from none.
	Parent *names.Lineage
	// Regions are those that answered, the nearest first.
	Regions []string
	// Warnings say what the survey could not see, such as a region that did not
	// answer.
	Warnings []string
}

// below returns what the survey holds of the offsets below a limit.
func (s Survey) below(limit int64) Survey {
	clipped := Survey{Parent: s.Parent, Regions: s.Regions, Warnings: s.Warnings}
	for _, seg := range s.Segments {
		if seg.Base < limit {
			seg.Next = min(seg.Next, limit)
			clipped.Segments = append(clipped.Segments, seg)
		}
	}
	for _, g := range s.Gaps {
		if g.Base < limit {
			g.Next = min(g.Next, limit)
			clipped.Gaps = append(clipped.Gaps, g)
		}
	}
	return clipped
}

// span returns the lowest and the highest offset of a segment or gap; both are
// 0 where there is neither.
func (s Survey) span() (base, next int64) {
	base = math.MaxInt64
	for _, seg := range s.Segments {
		base, next = min(base, seg.Base), max(next, seg.Next)
	}
	for _, g := range s.Gaps {
		base, next = min(base, g.Base), max(next, g.Next)
	}
	return min(base, next), next
}

// Segment describes one stored segment of a partition.
type Segment struct {
	// Name is the object's name; it ends in the digest of the content.
	Name string
	// Base and Next are the offsets [Base, Next) that the segment vouches for.
	Base, Next int64
	// Records and Bytes are upper bounds: segments may overlap, and records may
	// be erased. Bytes are stored bytes.
	Records, Bytes int64
	// MaxTimestamp is the highest timestamp of a record in ms,
	// [segment.NoTimestamp] where there is no record.
	MaxTimestamp int64
	// Regions are those that have the segment, the nearest first.
	Regions []string
	// Transactional are the blocks that hold a batch of a transaction or a
	// marker, in their order.
	Transactional []Block
}

// Block is a run of offsets [Base, Next) of a segment.
type Block struct {
	Base, Next int64
	// MaxTimestamp is the highest timestamp of a record in ms, markers included.
	MaxTimestamp int64
	// Control is true if there is a marker.
	Control bool
}

// stretches are the offsets of the survey without its gaps. What heals a gap
// later is not read: a resumed restore must cut the same records as the run
// before it.
func (s Survey) stretches(l names.Lineage) []Stretch {
	base, next := s.span()
	var found []Stretch
	for _, g := range append(slices.Clone(s.Gaps), Gap{Base: next, Next: next}) {
		if g.Base > base {
			found = append(found, Stretch{l, base, g.Base})
		}
		base = max(base, g.Next)
	}
	return found
}

// Gap is a range of offsets [Base, Next) that the archive does not hold.
type Gap struct {
	Base   int64  `json:"base"`
	Next   int64  `json:"next"`
	Reason string `json:"reason"`
	// Unexplained is true where no gap file says that the offsets are lost:
	// healing may bring them back.
	Unexplained bool `json:"unexplained,omitempty"`
}
