package signed

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Mark is the document of marks/…: how far the partitions of its writer were at
// an instant, and where consumer groups were in them. What an archive knew at a
// moment is put together of the newest mark of each partition at or before it.
type Mark struct {
	// Series is the same in all documents of a mark that was too large for one,
	// and empty where it was not.
	Series string `json:"series,omitempty"`
	// Topics are the lives of topics that the writer archives partitions of.
	Topics []MarkTopic `json:"topics"`
	// Groups are those with a committed offset in one of the partitions.
	Groups []MarkGroup `json:"groups,omitempty"`
	// ShareGroups are there, and their positions are not kept (KIP-932).
	ShareGroups []MarkShareGroup `json:"share_groups,omitempty"`
	// Unlisted says why groups may be missing; empty when none is.
	Unlisted string `json:"unlisted,omitempty"`
}

// MarkTopic is one life of a topic.
type MarkTopic struct {
	Topic   string        `json:"topic"`
	Lineage names.Lineage `json:"lineage"`
	// Count is how many partitions the topic had, whoever archived them.
	Count      int32           `json:"count"`
	Partitions []MarkPartition `json:"partitions"`
}

// MarkPartition is how far one partition was.
type MarkPartition struct {
	Number int32 `json:"partition"`
	// Stable is the last stable offset of the log as last heard, -1 where it was
	// not.
	Stable int64 `json:"stable"`
	// Tails are the first offsets that regions did not hold, by their names.
	Tails map[string]int64 `json:"tails"`
}

// MarkGroup is where a consumer group was.
type MarkGroup struct {
	Group    string `json:"group"`
	State    string `json:"state,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	// Unread says why the group could not be read at the mark's instant; empty
	// when it could.
	Unread string `json:"unread,omitempty"`
	// AsOf is when the offsets were read, nil where they never were.
	AsOf    *time.Time   `json:"as_of,omitempty"`
	Offsets []MarkOffset `json:"offsets,omitempty"`
}

// MarkOffset is the offset of the next record that a group reads.
type MarkOffset struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Metadata  string `json:"metadata,omitempty"`
}

// MarkShareGroup is a share group.
type MarkShareGroup struct {
	Group string `json:"group"`
	State string `json:"state,omitempty"`
}

// Validate applies the rules for what a mark may say.
func (m Mark) Validate() error {
	for _, t := range m.Topics {
		if err := t.validate(); err != nil {
			return fmt.Errorf("mark: topic %q: %w", t.Topic, err)
		}
	}
	for _, g := range m.Groups {
		if err := g.validate(); err != nil {
			return fmt.Errorf("mark: group %q: %w", g.Group, err)
		}
	}
	return nil
}

func (t MarkTopic) validate() error {
	if err := names.CheckTopic(t.Topic); err != nil {
		return err
	}
	for _, p := range t.Partitions {
		if p.Number < 0 || p.Stable < -1 {
			return fmt.Errorf("partition %d with stable offset %d", p.Number, p.Stable)
		}
		for region, tail := range p.Tails {
			if tail < 0 {
				return fmt.Errorf("partition %d: tail %d in region %q", p.Number, tail, region)
			}
		}
	}
	return nil
}

func (g MarkGroup) validate() error {
	if len(g.Offsets) > 0 && g.AsOf == nil {
		return errors.New("it has offsets of no time")
	}
	for _, o := range g.Offsets {
		if o.Partition < 0 || o.Offset < 0 {
			return fmt.Errorf("offset %d of topic %q partition %d", o.Offset, o.Topic, o.Partition)
		}
	}
	return nil
}
