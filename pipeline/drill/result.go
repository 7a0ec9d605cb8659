package drill

import (
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Outcome is what a drill came to.
type Outcome string

// The outcomes.
const (
	// OutcomePassed: no finding, and every objective that was measured is met.
	OutcomePassed Outcome = "passed"
	// OutcomeMissed: no finding, but an objective is missed.
	OutcomeMissed Outcome = "missed"
	// OutcomeFailed: something is missing, different, added or damaged.
	OutcomeFailed Outcome = "failed"
)

// Result is what a drill found, and how. It is JSON; durations are in ms.
type Result struct {
	Version int     `json:"version"`
	Outcome Outcome `json:"outcome"`
	// Archive is the pinned id.
	Archive   names.ArchiveID `json:"archive"`
	Started   time.Time       `json:"started"`
	Ended     time.Time       `json:"ended"`
	Scheduled bool            `json:"scheduled,omitempty"`
	Program   Program         `json:"program"`
	// Introduction is the file in which the archive's root introduces the key
	// that signs this result. With it and the pinned root the signature can be
	// checked without the archive.
	Introduction string `json:"signer_introduction,omitempty"`

	// To is the moment that was restored; Rule is the rule of the cut in words.
	To   time.Time `json:"to"`
	Rule string    `json:"rule"`
	// Regions were used, Without was not.
	Regions []string `json:"regions"`
	Without string   `json:"without_region,omitempty"`
	Sample  Sample   `json:"sample"`
	Target  Where    `json:"target"`
	Source  Witness  `json:"source"`

	Recovery   Recovery    `json:"recovery_time"`
	Point      Point       `json:"recovery_point"`
	Objectives []Objective `json:"objectives"`
	Totals     Counts      `json:"totals"`
	Partitions []Row       `json:"partitions"`
	// Unlisted rows are only in the totals.
	Unlisted int `json:"unlisted_partitions,omitempty"`

	// Findings are what is wrong, FindingCount how much there is of it: a long
	// list is cut.
	Findings     []cover.Finding `json:"findings"`
	FindingCount int             `json:"finding_count"`
	// Notes are what a reader should know, and is not wrong.
	Notes []string `json:"notes,omitempty"`
}

// Sample says what was restored and how it was chosen.
type Sample struct {
	// Share was asked for; Seed chose.
	Share float64 `json:"share"`
	// Seed is decimal: it has 64 bits, and JSON's numbers may have fewer.
	Seed uint64 `json:"seed,string"`
	// Rule is how the seed chooses, in words.
	Rule string `json:"rule"`
	// Segments of Of were chosen; StoredBytes of OfBytes.
	Segments    int   `json:"segments"`
	Of          int   `json:"of_segments"`
	StoredBytes int64 `json:"stored_bytes"`
	OfBytes     int64 `json:"of_stored_bytes"`
	// Digest is the SHA-256 of the chosen names, sorted, each with a newline.
	Digest names.Digest `json:"names_sha256"`
}

// Where says where the sample was restored to.
type Where struct {
	// Kind is "nowhere" or "kafka".
	Kind string `json:"kind"`
	// Cluster is the target's id.
	Cluster string `json:"cluster,omitempty"`
	// Topics are the scratch topics; Kept says that they were left on purpose,
	// Left names those that could not be deleted.
	Topics []string `json:"topics,omitempty"`
	Kept   bool     `json:"kept,omitempty"`
	Left   []string `json:"left,omitempty"`
}

// Witness is the source cluster, as far as it could be asked.
type Witness struct {
	// Asked is false where no source was given.
	Asked   bool   `json:"asked"`
	Cluster string `json:"cluster,omitempty"`
	// Error says why it could not be asked.
	Error string `json:"error,omitempty"`
}

// Recovery is the time that the restore took.
type Recovery struct {
	// PlannedMS, FirstMS and AllMS are counted from the beginning of the plan:
	// until it was made, until the first record was back, and until all were. A
	// negative one was not reached.
	PlannedMS int64 `json:"planned_ms"`
	FirstMS   int64 `json:"first_record_ms"`
	AllMS     int64 `json:"all_ms"`
	// Records and Bytes were brought back; bytes are those of batches.
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// Estimates are for whole topics.
	Estimates []Estimate `json:"estimates,omitempty"`
}

// Estimate is how long the whole of a topic would take.
type Estimate struct {
	Topic       string `json:"topic"`
	StoredBytes int64  `json:"stored_bytes"`
	MS          int64  `json:"ms"`
	// Arithmetic shows how MS follows from what was measured.
	Arithmetic string `json:"arithmetic"`
}

// Point is the recovery point: what a disaster at the drill's beginning would
// have lost.
type Point struct {
	Measured bool `json:"measured"`
	// At is when the source's logs were asked for their ends.
	At time.Time `json:"at,omitzero"`
	// Partitions of the source that were asked.
	Partitions int `json:"partitions"`
	// The age of the oldest record that is not archived, over the partitions; 0
	// where all is.
	P50MS int64 `json:"p50_ms"`
	MaxMS int64 `json:"max_ms"`
	// Offsets below the last stable one that are not archived.
	P50Offsets int64 `json:"p50_offsets"`
	MaxOffsets int64 `json:"max_offsets"`
	// Worst names the partition of MaxMS.
	Worst string `json:"worst,omitempty"`
}

// Objective is a time that was to be met.
type Objective struct {
	// Name is the key of the configuration: "recovery_time", "recovery_point".
	Name     string `json:"name"`
	LimitMS  int64  `json:"limit_ms"`
	GotMS    int64  `json:"got_ms"`
	Measured bool   `json:"measured"`
	Met      bool   `json:"met"`
}

// Counts are what was restored and compared.
type Counts struct {
	// Segments of the sample, and Copies of them whose digests were compared.
	Segments int `json:"segments"`
	Copies   int `json:"copies"`
	// Records came back; they are those at or before the moment.
	Records int64 `json:"records"`
	// Sealed is how many records the digests vouch for: every one of the sample's
	// segments, markers and those after the moment included.
	Sealed int64 `json:"records_by_digest"`
	// Source is how many were compared with the source cluster, Target how many
	// with what arrived in scratch topics.
	Source int64 `json:"records_with_source"`
	Target int64 `json:"records_with_target"`
	// Expired are below the source's log start, Compacted were taken by its
	// cleaner, Beyond are above its end: the digests alone vouch for them.
	Expired   int64 `json:"expired_in_source"`
	Compacted int64 `json:"compacted_in_source"`
	Beyond    int64 `json:"beyond_source"`
	// Findings are records, segments or ranges that are wrong.
	Findings int `json:"findings"`
}

func (c *Counts) add(o Counts) {
	c.Segments += o.Segments
	c.Copies += o.Copies
	c.Records += o.Records
	c.Sealed += o.Sealed
	c.Source += o.Source
	c.Target += o.Target
	c.Expired += o.Expired
	c.Compacted += o.Compacted
	c.Beyond += o.Beyond
	c.Findings += o.Findings
}

// Row is one partition.
type Row struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Offsets are those of the sample: from the lowest to above the highest; nil
	// where the sample has none of the partition.
	Offsets *cover.Offsets `json:"offsets,omitempty"`
	Counts
	// Why says what kept the partition from being compared with the source.
	Why string `json:"not_compared,omitempty"`
	// Lag is this partition's share of the recovery point; nil where it was not
	// measured.
	Lag *Lag `json:"recovery_point,omitempty"`
}

// Lag is how far the archive of one partition is behind its log.
type Lag struct {
	// Archived is the offset up to which it is archived, End the last stable
	// offset.
	Archived int64 `json:"archived"`
	End      int64 `json:"end"`
	Offsets  int64 `json:"offsets"`
	MS       int64 `json:"ms"`
}

// Compared is how many records were compared with the source or the target.
func (r *Result) Compared() int64 { return r.Totals.Source + r.Totals.Target }
