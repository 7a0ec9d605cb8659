package restore

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Request says what to bring back, and how far restore may go without asking.
type Request struct {
	// To is the moment, cut down to a millisecond: every record whose timestamp
	// is at or before it comes back, in offset order.
	To time.Time `json:"to"`
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
}

// Validate reports the first thing that is wrong with the request.
func (r Request) Validate() error {
	if r.To.IsZero() {
		return fmt.Errorf("restore request: no moment given")
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
	r.To = r.To.UTC().Truncate(time.Millisecond)
	r.Partitions = slices.Sorted(slices.Values(r.Partitions))
	return digestJSON(r)
}

func (r Request) wants(partition int32) bool {
	return len(r.Partitions) == 0 || slices.Contains(r.Partitions, partition)
}
