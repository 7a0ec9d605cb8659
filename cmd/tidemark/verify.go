package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/verify"
)

func verifyCommand(a *app) *cobra.Command {
	var o verify.Options
	var proofs proofFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that the archive is complete, whole and equal in both regions",
		Long: `Prove that the archive is complete, whole and equal in both regions.

Every offset of a partition is archived, in a known gap, or a finding. Every
copy of every object is looked at: signature, name, length, checksum, key page.
The checksum is the store's own word; with --deep every byte is read, every
block opened and every record decoded. Kafka is not needed.
Exit 1 on a finding.

With --proof the archive is not looked at, but files that "find --proof" made:
with nothing but the file and the pinned root key, from the configuration or from
--trust, it is checked that an archiver whom the root introduced signed this very
record at this place. No store and no key is needed.`,
		Example: "  tidemark verify --deep --topic orders\n  tidemark verify --proof proofs/ --trust trust.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(proofs.files) > 0 {
				return proofs.run(a, cmd)
			}
			if proofs.trust != "" {
				return usage(errors.New("--trust is for --proof"))
			}
			return runVerify(a, cmd, o)
		},
	}
	cmd.Flags().BoolVar(&o.Deep, "deep", false, "open every block and decode every record")
	cmd.Flags().StringArrayVar(&o.Topics, "topic", nil, "only this `topic`; may be repeated")
	proofs.add(cmd)
	return cmd
}

func runVerify(a *app, cmd *cobra.Command, o verify.Options) error {
	opened, err := a.open(cmd.Context(), wire.ForProof)
	if err != nil {
		return err
	}
	defer opened.Close()
	if err := hasTopics(cmd.Context(), opened.Cover, o.Topics); err != nil {
		return err
	}
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
	writeGaps(w, r.Notes)
	_, err := fmt.Fprintln(w, proven(r))
	return err
}

// writeGaps lists the known gaps; what else is noted is for --json.
func writeGaps(w io.Writer, notes []cover.Finding) {
	for _, n := range notes {
		if n.Kind == cover.KindGap {
			fmt.Fprintf(w, "known gap: %s: offsets %s: %s\n", n.Partition, n.Offsets, ui.Printable(n.Detail))
		}
	}
}

// proven says what was proven, and no more.
func proven(r *verify.Report) string {
	if !r.OK() {
		return plural(len(r.Findings), "finding") + "."
	}
	what := "Everything"
	if r.Totals.Known > 0 {
		what += fmt.Sprintf(" but %d offsets in known gaps", r.Totals.Known)
	}
	if r.Deep {
		return what + " is archived, signed and whole, and the regions are equal."
	}
	return what + " is archived and signed, and the regions are equal. Contents stand\nby the stores' own checksums; --deep reads every byte."
}
