package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// selection chooses what of the archive a verb looks at.
type selection struct {
	topic     string
	partition int32
	lineage   string
}

func (s *selection) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.topic, "topic", "", "the archived `topic`")
	cmd.Flags().Int32Var(&s.partition, "partition", -1, "one partition; all if it is below 0")
	cmd.Flags().StringVar(&s.lineage, "lineage", "", "an older life of the topic, by its `topic id`; the newest if empty")
	_ = cmd.MarkFlagRequired("topic")
}

// hasTopics refuses a topic that the archive holds nothing of: a misspelt name
// must not pass for one that was looked at.
func hasTopics(ctx context.Context, a *cover.Archive, topics []string) error {
	for _, topic := range topics {
		if err := names.CheckTopic(topic); err != nil {
			return usage(err)
		}
		parts, err := a.Partitions(ctx, topic)
		if err != nil {
			return err
		}
		if len(parts) == 0 {
			return refused(fmt.Errorf("topic %s is not in the archive", topic))
		}
	}
	return nil
}

// partitions returns the partitions of one life of the topic, in their order.
func (s *selection) partitions(ctx context.Context, a *cover.Archive) ([]names.Partition, error) {
	if err := names.CheckTopic(s.topic); err != nil {
		return nil, usage(err)
	}
	all, err := restore.FromArchive(a, nil).Partitions(ctx, s.topic)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, refused(fmt.Errorf("topic %s is not in the archive", s.topic))
	}
	wanted := all[len(all)-1].Lineage.Topic.String()
	if s.lineage != "" {
		wanted = s.lineage
	}
	var ps []names.Partition
	for _, p := range all {
		if id := p.Lineage.Topic.String(); id == wanted || p.Lineage.String() == wanted {
			ps = append(ps, p)
		}
	}
	ps = slices.DeleteFunc(ps, func(p names.Partition) bool { return s.partition >= 0 && p.Number != s.partition })
	if len(ps) == 0 {
		return nil, refused(fmt.Errorf("topic %s: the archive has no partition %d of the life %s", s.topic, s.partition, wanted))
	}
	slices.SortStableFunc(ps, func(x, y names.Partition) int {
		if x.Number != y.Number {
			return int(x.Number) - int(y.Number)
		}
		return strings.Compare(x.Lineage.String(), y.Lineage.String())
	})
	return ps, nil
}
