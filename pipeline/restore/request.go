package restore

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Cut names the rule that decides which records come back. The package comment
// has the rules.
type Cut string

// The cuts.
const (
	// CutTime is by the timestamp of each record; it is the default.
	CutTime Cut = "time"
	// CutTransactions takes whole transactions by their commit markers, and
	// every other record by its timestamp.
	CutTransactions Cut = "transactions"
	// CutOffsets is at exact offsets.
	CutOffsets Cut = "offsets"
)

// Request says what to bring back, and how far restore may go without asking.
type Request struct {
	// Cut is the rule; empty is [CutTime].
	Cut Cut `json:"cut,omitempty"`
	// To is the moment, cut down to a millisecond. It also decides which life of
	// a topic, how many partitions and which settings are those of the moment;
	// with [CutOffsets] it serves for nothing else, and zero means the newest.
	To time.Time `json:"to,omitzero"`
	// Offsets are where [CutOffsets] ends, by archived topic and partition: the
	// records below come back. A partition that is not named brings nothing, and
	// a topic that is not restored may be named.
	Offsets map[string]map[int32]int64 `json:"offsets,omitempty"`
	// Lineage chooses a life of a topic by its topic id, for an archived topic
	// that was deleted and made again.
	Lineage map[string]string `json:"lineage,omitempty"`
	// Window is how long before and after the moment [CutTransactions] looks for
	// the parts of a transaction; 0 is 15 minutes, the default of a broker's
	// transaction.max.timeout.ms.
	Window time.Duration `json:"transaction_window,omitempty"`
	// Force accepts transactions of which it is not certain whether they belong
	// before the moment; the plan names them, with how each is taken.
	Force bool `json:"force,omitempty"`
	// Topics maps an archived topic to the target topic it is restored into.
	Topics map[string]string `json:"topics"`
	// Partitions restricts the restore to these partitions; empty is all of
	// them. The target still gets all partitions.
	Partitions []int32 `json:"partitions,omitempty"`
	// ReplicationFactor of the topics that are created; 0 is the target's default.
	ReplicationFactor int16 `json:"replication_factor,omitempty"`
	// SourceCluster is the id of the cluster that was archived, if it is known.
	SourceCluster string `json:"source_cluster,omitempty"`

	// AllowIncomplete accepts a moment that the archive cannot vouch for
	// because offsets are missing.
	AllowIncomplete bool `json:"allow_incomplete,omitempty"`
	// AllowDifferences accepts what the target has differently, as far as it
	// does not make a restore impossible.
	AllowDifferences bool `json:"allow_differences,omitempty"`
	// Split lets batches that are too large for the target come back as several.
	Split bool `json:"split,omitempty"`
	// OriginHeader is the name of a header that every record gets beside its own,
	// "<partition>:<offset>" as they were archived; empty is none. Every batch is
	// then decoded and built anew, which takes far longer.
	OriginHeader string `json:"origin_header,omitempty"`
}

// Validate reports the first thing that is wrong with the request.
func (r Request) Validate() error {
	if err := r.validateCut(); err != nil {
		return fmt.Errorf("restore request: %w", err)
	}
	if len(r.Topics) == 0 {
		return fmt.Errorf("restore request: no topic given")
	}
	into := map[string]string{}
	for _, from := range slices.Sorted(maps.Keys(r.Topics)) {
		to := r.Topics[from]
		if err := checkTopics(from, to); err != nil {
			return err
		}
		if other, taken := into[to]; taken {
			return fmt.Errorf("restore request: topics %s and %s would both go into %s", other, from, to)
		}
		into[to] = from
	}
	for _, p := range r.Partitions {
		if p < 0 {
			return fmt.Errorf("restore request: partition %d is below 0", p)
		}
	}
	return nil
}

func (r Request) validateCut() error {
	switch r.cut() {
	case CutTime, CutTransactions:
		if r.To.IsZero() {
			return errors.New("no moment given")
		}
		if len(r.Offsets) > 0 {
			return fmt.Errorf("offsets are given, and the cut is by %s", r.cut())
		}
	case CutOffsets:
		if len(r.Offsets) == 0 {
			return errors.New("the cut is by offsets, and none is given")
		}
	default:
		return fmt.Errorf("cut %q: want %s, %s or %s", r.Cut, CutTime, CutTransactions, CutOffsets)
	}
	if r.Window < 0 {
		return fmt.Errorf("the window for transactions is %s, below 0", r.Window)
	}
	for topic, partitions := range r.Offsets {
		for p, offset := range partitions {
			if p < 0 || offset < 0 {
				return fmt.Errorf("offset %d of topic %s partition %d is below 0", offset, topic, p)
			}
		}
	}
	for topic := range r.Lineage {
		if _, wanted := r.Topics[topic]; !wanted {
			return fmt.Errorf("a life of topic %s is chosen, and the topic is not restored", topic)
		}
	}
	return nil
}

func (r Request) cut() Cut {
	if r.Cut == "" {
		return CutTime
	}
	return r.Cut
}

func (r Request) window() time.Duration {
	if r.Window == 0 {
		return defaultWindow
	}
	return r.Window
}

func checkTopics(from, into string) error {
	if err := names.CheckTopic(from); err != nil {
		return fmt.Errorf("restore request: archived %w", err)
	}
	if err := names.CheckTopic(into); err != nil {
		return fmt.Errorf("restore request: target %w", err)
	}
	return nil
}

// digest tells whether two requests ask for the same.
func (r Request) digest() (names.Digest, error) {
	if !r.To.IsZero() {
		r.To = r.To.UTC().Truncate(time.Millisecond)
	}
	r.Partitions = slices.Sorted(slices.Values(r.Partitions))
	return digestJSON(r)
}

func (r Request) wants(partition int32) bool {
	return len(r.Partitions) == 0 || slices.Contains(r.Partitions, partition)
}

// end is where the cut by offsets ends in a partition.
func (r Request) end(p names.Partition) int64 {
	if r.cut() != CutOffsets {
		return math.MaxInt64
	}
	return r.Offsets[p.Topic][p.Number]
}
