package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
)

func doctorCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Connect to everything, try what the archive rests on, and say what to mend",
		Long: `Connect to everything, try what the archive rests on, and say what to mend.

Kafka, both regions, both places of the keys, each region's KMS, the signing
key. It writes small probes below probe/ and deletes them. Exit 1 if anything is
bad.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opened, err := a.openUnidentified(cmd.Context(), wire.ForProof)
			if err != nil {
				return err
			}
			defer opened.Close()
			checks := opened.Examine(cmd.Context())
			if err := a.print(cmd, checks, func(w io.Writer) error { return writeChecks(w, checks) }); err != nil {
				return err
			}
			return verdict(checks)
		},
	}
}

func writeChecks(w io.Writer, checks []wire.Check) error {
	t := ui.NewTable(w, "subject", "check", "state", "detail")
	for _, c := range checks {
		t.Row(c.Subject, c.What, c.State, c.Detail)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range checks {
		if c.Advice != "" {
			fmt.Fprintf(w, "\n%s, %s: %s.", c.Subject, c.What, c.Advice)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func verdict(checks []wire.Check) error {
	bad := 0
	for _, c := range checks {
		if c.State == wire.Bad {
			bad++
		}
	}
	if bad > 0 {
		return refused(errors.New(plural(bad, "check") + " came out bad"))
	}
	return nil
}
