package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/heal"
)

func healCommand(a *app) *cobra.Command {
	var o heal.Options
	cmd := &cobra.Command{
		Use:   "heal",
		Short: "Make the regions equal: copy to each what it lacks",
		Long: `Make the regions equal: copy to each what it lacks.

Nothing bad is spread: an object is verified before it is copied, and arrives
byte for byte. Damaged copies stay where they are, because names are written
once; they are listed with what to do. Exit 1 if something could not be healed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runHeal(a, cmd, o) },
	}
	cmd.Flags().StringArrayVar(&o.Topics, "topic", nil, "only this `topic`; may be repeated")
	return cmd
}

func runHeal(a *app, cmd *cobra.Command, o heal.Options) error {
	opened, err := a.openWithPages(cmd.Context(), wire.ForProof)
	if err != nil {
		return err
	}
	defer opened.Close()
	if err := hasTopics(cmd.Context(), opened.Cover, o.Topics); err != nil {
		return err
	}
	progress := a.progress(cmd, "heal")
	defer progress.Done()
	o.Hook = func(e heal.Event) { progress.Update("%s: copied %s to %s", e.Partition, e.Copied, e.Region) }
	report, err := opened.Healer(opened.pages).Run(cmd.Context(), o)
	if err != nil {
		return unavailable(err)
	}
	progress.Done()
	if err := a.print(cmd, report, func(w io.Writer) error { return writeHealed(w, report) }); err != nil {
		return err
	}
	return refuseFindings(report.Findings)
}

func writeHealed(w io.Writer, r heal.Report) error {
	fmt.Fprintf(w, "%s: copied %s (%s) and %s.\n", plural(r.Partitions, "partition"), plural(r.Objects, "object"), ui.Bytes(r.Bytes), plural(r.Pages, "key page"))
	return writeFindings(w, r.Findings)
}
