package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/bench/floor"
	"github.com/tidemark-io/tidemark/bench/harness"
	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
)

// The parts of a bench that run as processes of their own, so that each has an
// account of its own. Nobody else needs them, so they are not in the help.

func benchLoadCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "load", Hidden: true, Args: cobra.NoArgs, Short: "Produce what the order on standard input asks for",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			client, err := wire.KafkaOptions(&cfg.Kafka, a.log)
			if err != nil {
				return err
			}
			return harness.Load(cmd.Context(), client, os.Stdin, cmd.OutOrStdout())
		},
	}
}

func benchFloorCommand(a *app) *cobra.Command {
	var seal bool
	cmd := &cobra.Command{
		Use: "floor", Hidden: true, Args: cobra.NoArgs, Short: "Run the cheapest program for the archiver's job once",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.floorConfig(seal)
			if err != nil {
				return err
			}
			r, err := floor.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
		},
	}
	cmd.Flags().BoolVar(&seal, "seal", false, "seal and store what is fetched")
	return cmd
}

// floorConfig makes the floor ask and store in the sizes that the archiver of
// this configuration does.
func (a *app) floorConfig(seal bool) (floor.Config, error) {
	cfg, err := a.config()
	if err != nil {
		return floor.Config{}, err
	}
	c := floor.Config{
		Brokers: cfg.Kafka.Brokers, Topic: cfg.Topics[0].Name, ObjectSize: int(cfg.Segment.Size),
		FetchBytes: int32(cfg.Fetch.MaxBytes), PartitionBytes: int32(cfg.Fetch.MaxPartitionBytes),
	}
	if !seal {
		return c, nil
	}
	c.Mode = floor.Seal
	for _, r := range cfg.Regions {
		s3, ok := r.URL.S3()
		if !ok {
			return c, fmt.Errorf("region %s: the floor stores in S3 only", r.Name)
		}
		access, secret := r.Credentials.AccessKey, r.Credentials.SecretKey.Reveal()
		if access == "" {
			access, secret = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
		}
		c.Stores = append(c.Stores, floor.Store{
			Endpoint: s3.Endpoint, Bucket: s3.Bucket + "/" + s3.Prefix, Region: s3.Region, AccessKey: access, SecretKey: secret,
		})
	}
	return c, nil
}

func benchCompareCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "compare OLD.json NEW.json",
		Short: "Compare two results",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := report.ReadFile(args[0])
			if err != nil {
				return err
			}
			after, err := report.ReadFile(args[1])
			if err != nil {
				return err
			}
			c := report.Compare(before, after)
			return a.print(cmd, c, c.WriteText)
		},
	}
}

func benchReportCommand() *cobra.Command {
	var page bool
	cmd := &cobra.Command{
		Use:   "report RESULT.json",
		Short: "Show a result again, as Markdown or as a page",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := report.ReadFile(args[0])
			if err != nil {
				return err
			}
			write := report.Markdown
			if page {
				write = report.HTML
			}
			return showResult(cmd.OutOrStdout(), r, write)
		},
	}
	cmd.Flags().BoolVar(&page, "html", false, "an HTML page with plots")
	return cmd
}

func showResult(w io.Writer, r report.Result, write func(io.Writer, report.Result) error) error {
	if err := write(w, r); err != nil {
		return fmt.Errorf("show result: %w", err)
	}
	return nil
}
