package verify

import (
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Report is what Run found.
type Report struct {
	Deep       bool              `json:"deep"`
	Regions    []string          `json:"regions"`
	Totals     Totals            `json:"totals"`
	Partitions []PartitionReport `json:"partitions"`
	// Findings are what is wrong. The archive is proven when there are none.
	Findings []cover.Finding `json:"findings"`
	// Notes are what a person may want to know, and is not wrong.
	Notes []cover.Finding `json:"notes"`
	// RegionsEqual is true when each region holds every object, and every copy
	// verified.
	RegionsEqual bool `json:"regions_equal"`
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Totals are sums over the partitions.
type Totals struct {
	Partitions int `json:"partitions"`
	// Segments and Gaps count names, Copies what is stored under them.
	Segments int `json:"segments"`
	Gaps     int `json:"gaps"`
	Copies   int `json:"copies"`
	// Records are those of the segments that verified, control records
	// included; where segments overlap they count twice.
	Records int64 `json:"records"`
	// Bytes are stored bytes, of all copies.
	Bytes int64 `json:"bytes"`
	// Offsets of the three classes.
	Archived int64 `json:"offsets_archived"`
	Known    int64 `json:"offsets_in_known_gaps"`
	Missing  int64 `json:"offsets_missing"`
	// Blocks and Decoded count what Deep proved to open, over all copies.
	Blocks  int64 `json:"blocks_opened,omitempty"`
	Decoded int64 `json:"records_decoded,omitempty"`
}

func (t *Totals) add(p Totals) {
	t.Partitions += p.Partitions
	t.Segments += p.Segments
	t.Gaps += p.Gaps
	t.Copies += p.Copies
	t.Records += p.Records
	t.Bytes += p.Bytes
	t.Archived += p.Archived
	t.Known += p.Known
	t.Missing += p.Missing
	t.Blocks += p.Blocks
	t.Decoded += p.Decoded
}

// PartitionReport is what was found of one partition.
type PartitionReport struct {
	Topic     string        `json:"topic"`
	Lineage   names.Lineage `json:"lineage"`
	Partition int32         `json:"partition"`
	// The three classes of offsets; each sorted.
	Archived []cover.Offsets `json:"archived"`
	Gaps     []Gap           `json:"known_gaps"`
	Missing  []cover.Offsets `json:"missing"`
	Totals   Totals          `json:"totals"`
}

// Gap is a known gap, as far as no segment fills it.
type Gap struct {
	cover.Offsets
	Reason string `json:"reason"`
}

// Event is progress of Run.
type Event struct {
	Partition names.Partition
	// Done of Objects of the partition were looked at.
	Done, Objects int
}
