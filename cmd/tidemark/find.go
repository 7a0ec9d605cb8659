package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/find"
)

func findCommand(a *app) *cobra.Command {
	var topic, key, from, to string
	var partitions []int32
	cmd := &cobra.Command{
		Use:   "find --topic T --key K",
		Short: "Print every version of one record key",
		Long: `Print every version of one record key, without a restore.

Records are printed as cat prints them, with the segment that holds each of them
and its digest. Sealed key filters tell which blocks to open. Exit 1 if the key
is not in the archive.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := find.Options{Partitions: partitions, Stats: &cover.ReadStats{}}
			var err error
			if o.From, err = parseTime(from); err != nil {
				return err
			}
			if o.To, err = parseTime(to); err != nil {
				return err
			}
			return runFind(a, cmd, topic, []byte(key), o)
		},
	}
	cmd.Flags().StringVar(&topic, "topic", "", "the archived `topic`")
	cmd.Flags().StringVar(&key, "key", "", "the record `key`, as it was written")
	cmd.Flags().StringVar(&from, "from", "", "only records at or after `TIME`")
	cmd.Flags().StringVar(&to, "to", "", "only records at or before `TIME`")
	cmd.Flags().Int32SliceVar(&partitions, "partition", nil, "only these partitions")
	_ = cmd.MarkFlagRequired("topic")
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

// hit is a record as cat prints it, and where it was found.
type hit struct {
	line
	Lineage string   `json:"lineage"`
	Segment string   `json:"segment"`
	Digest  string   `json:"digest"`
	Regions []string `json:"regions"`
}

func runFind(a *app, cmd *cobra.Command, topic string, key []byte, o find.Options) error {
	opened, err := a.open(cmd.Context(), wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	o.Report = a.reporter(cmd)
	out := bufio.NewWriter(cmd.OutOrStdout())
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	found, lost := 0, []error(nil)
	for h, err := range find.Find(cmd.Context(), opened.Cover, topic, key, o) {
		if gone := (*cover.LostError)(nil); errors.As(err, &gone) {
			lost = append(lost, err)
			continue
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		found++
		if err := e.Encode(hitOf(h)); err != nil {
			return fmt.Errorf("print result: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	a.log.Debug("searched", "blocks", o.Stats.Blocks, "opened", o.Stats.Opened)
	if len(lost) > 0 {
		return errors.Join(lost...)
	}
	if found == 0 {
		return refused(fmt.Errorf("topic %s: no record has the key %q", topic, key))
	}
	return nil
}

func hitOf(h find.Hit) hit {
	out := hit{line: lineOf(h.Partition, h.Record), Lineage: h.Partition.Lineage.String()}
	if len(h.Origins) > 0 {
		out.Segment, out.Digest, out.Regions = h.Origins[0].Name.String(), h.Origins[0].Digest.String(), h.Origins[0].Regions
	}
	return out
}
