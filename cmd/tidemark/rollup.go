package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/rollup"
)

// rollupFlags are what rollup is asked for.
type rollupFlags struct {
	planOnly bool
	before   string
	request  rollup.Request
}

func rollupCommand(a *app) *cobra.Command {
	var f rollupFlags
	cmd := &cobra.Command{
		Use:   "rollup",
		Short: "Make large segments of small ones, and let these lapse",
		Long: `Make large segments of small ones, and let these lapse.

What a partition got in an hour or a day (rollup.window) becomes one segment, or
a few of rollup.size, once the window has been over for rollup.after. It is
stored in both regions under the long lock (rollup.retain), and every block is
compared there with what was signed. Kafka is not needed. With --lapse the small
segments are deleted that a roll-up holds and no lock does: every version of
them, in both regions.

There is a plan first; --plan stops there. A run that was interrupted goes on
when it is run again; two at once do no harm. Offsets are never left out: what
cannot be rolled up stays as it is, and is a finding. Exit 1 then.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRollup(a, cmd, f) },
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.planOnly, "plan", false, "show the plan and stop")
	fs.StringArrayVar(&f.request.Topics, "topic", nil, "only this `topic`; may be repeated")
	fs.StringVar(&f.before, "before", "", "windows that had ended at this `TIME` (default: rollup.after ago)")
	fs.BoolVar(&f.request.Lapse, "lapse", false, "delete small segments that roll-ups hold, where no lock does")
	return cmd
}

func runRollup(a *app, cmd *cobra.Command, f rollupFlags) error {
	ctx := cmd.Context()
	if f.before != "" {
		before, err := ui.ParseTime(f.before)
		if err != nil {
			return usage(fmt.Errorf("--before: %w", err))
		}
		f.request.Before = before
	}
	opened, err := a.openWithPages(ctx, wire.ForBulk)
	if err != nil {
		return err
	}
	defer opened.Close()
	if err := hasTopics(ctx, opened.Cover, f.request.Topics); err != nil {
		return err
	}
	signer, err := wire.Signer(opened.Config)
	if err != nil {
		return err
	}
	roller, err := opened.Roller(signer, opened.pages)
	if err != nil {
		return err
	}
	progress := a.progress(cmd, "rollup")
	defer progress.Done()
	f.request.Hook = func(e rollup.Event) { progress.Update("%s: %s, %d of %d segments", e.Partition, e.What, e.Done, e.All) }
	plan, err := roller.Plan(ctx, f.request)
	if err != nil {
		return unavailable(err)
	}
	if f.planOnly {
		progress.Done()
		if err := a.print(cmd, plan, func(w io.Writer) error { return writeRollupPlan(w, plan) }); err != nil {
			return err
		}
		return refuseFindings(plan.Findings)
	}
	return executeRollup(ctx, a, cmd, roller, plan, progress)
}

func executeRollup(ctx context.Context, a *app, cmd *cobra.Command, roller *rollup.Roller, plan *rollup.Plan, progress *ui.Progress) error {
	if !a.json {
		progress.Done()
		if err := writeRollupPlan(cmd.OutOrStdout(), plan); err != nil {
			return err
		}
	}
	report, err := roller.Execute(ctx, plan)
	if err != nil {
		return unavailable(err)
	}
	progress.Done()
	if err := a.print(cmd, report, func(w io.Writer) error { return writeRolled(w, report) }); err != nil {
		return err
	}
	return refuseFindings(report.Findings)
}

func writeRollupPlan(w io.Writer, p *rollup.Plan) error {
	if len(p.Windows) > 0 {
		t := ui.NewTable(w, "topic", "partition", "from", "to", "segments", "bytes", "roll-ups", "kept until")
		for _, x := range p.Windows {
			var segments int
			var bytes int64
			var until time.Time
			for _, roll := range x.Rolls {
				segments += roll.Segments
				bytes += roll.Bytes
				if roll.RetainUntil.After(until) {
					until = roll.RetainUntil
				}
			}
			t.Row(x.Topic, x.Partition, x.From.Format(time.RFC3339), x.To.Format(time.RFC3339), segments, ui.Bytes(bytes), len(x.Rolls), until.Format(time.DateOnly))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "Windows that had ended at %s: %s (%s) become %s.\n", p.Before.Format(time.RFC3339), plural(p.Segments, "segment"), ui.Bytes(p.Bytes), plural(p.Rolls, "roll-up"))
	return err
}

func writeRolled(w io.Writer, r *rollup.Report) error {
	fmt.Fprintf(w, "Rolled up %s into %s (%s, %s)", plural(r.Segments, "segment"), plural(r.Rolled+r.Found, "roll-up"), plural(int(r.Records), "record"), ui.Bytes(r.Bytes))
	if r.Found > 0 {
		fmt.Fprintf(w, ", %d of them stored by an earlier run", r.Found)
	}
	fmt.Fprintf(w, ".\n%s lapsed (%s)", plural(r.Lapsed, "segment"), ui.Bytes(r.LapsedBytes))
	if r.Locked > 0 {
		fmt.Fprintf(w, "; %d are locked still", r.Locked)
	}
	if !r.UnlockedAt.IsZero() {
		fmt.Fprintf(w, ", the last until %s", r.UnlockedAt.Format(time.RFC3339))
	}
	fmt.Fprintln(w, ".")
	return writeFindings(w, r.Findings)
}
