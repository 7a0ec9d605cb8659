package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/demo"
)

func demoCommand(a *app) *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the main job on embedded parts: archive, kill, verify, restore, find",
		Long: `Show the main job on embedded parts: an embedded broker, two directories as
regions, a million events, and an archiver that is killed in the middle. What
comes back is compared with what went in, record by record. Exit 1 if anything
differs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.JSON = a.json
			err := demo.Run(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if errors.Is(err, demo.ErrFindings) {
				return refused(err)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&o.Events, "events", 1_000_000, "how many events")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "a new or empty `directory` (default: a new one among the temporary files)")
	cmd.Flags().BoolVar(&o.Keep, "keep", false, "keep the embedded broker running afterwards")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "chooses the events")
	return cmd
}
