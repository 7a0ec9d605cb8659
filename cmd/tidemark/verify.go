package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/verify"
)

func verifyCommand(a *app) *cobra.Command {
	var o verify.Options
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that the archive is complete, whole and equal in both regions",
		Long: `Prove that the archive is complete, whole and equal in both regions.

Every offset of a partition is archived, in a known gap, or a finding. Every
copy of every object is looked at: signature, name, length, checksum, key page.
With --deep every block is opened and every record decoded. Kafka is not needed.
Exit 1 on a finding.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runVerify(a, cmd, o) },
	}
	cmd.Flags().BoolVar(&o.Deep, "deep", false, "open every block and decode every record")
	cmd.Flags().StringArrayVar(&o.Topics, "topic", nil, "only this `topic`; may be repeated")
	return cmd
}

func runVerify(a *app, cmd *cobra.Command, o verify.Options) error {
	opened, err := a.open(cmd.Context(), wire.ForProof)
	if err != nil {
		return err
	}
	defer opened.Close()
	progress := a.progress(cmd, "verify")
	defer progress.Done()
	o.Hook = func(e verify.Event) { progress.Update("%s: %d of %d objects", e.Partition, e.Done, e.Objects) }
	report, err := verify.Run(cmd.Context(), opened.Cover, o)
	if err != nil {
		return unavailable(err)
	}
	progress.Done()
	if err := a.print(cmd, report, func(w io.Writer) error { return writeReport(w, report) }); err != nil {
		return err
	}
	return refuseFindings(report.Findings)
}

func writeReport(w io.Writer, r *verify.Report) error {
	t := ui.NewTable(w, "topic", "partition", "lineage", "segments", "records", "archived", "known gaps", "missing")
	for _, p := range r.Partitions {
		t.Row(p.Topic, p.Partition, p.Lineage, p.Totals.Segments, p.Totals.Records, p.Totals.Archived, p.Totals.Known, p.Totals.Missing)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s, %s, %s in copies.\n", plural(r.Totals.Partitions, "partition"), plural(r.Totals.Segments, "segment"), ui.Bytes(r.Totals.Bytes))
	if err := writeFindings(w, r.Findings); err != nil {
		return err
	}
	verdict := "Everything is archived, signed and whole, and the regions are equal."
	if !r.OK() {
		verdict = plural(len(r.Findings), "finding") + "."
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
