package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/bench/harness"
	"github.com/tidemark-io/tidemark/bench/report"
)

// benchFlags are what bench is asked for.
type benchFlags struct {
	sweep, only, out, dir, name string
	scale, busy                 float64
	repeat                      int
	embedded, keep, list        bool
	configured                  bool // by -c
	place                       benchPlaces
	single                      benchPoint

	// program is what is measured, by default the one that runs; landed is told
	// when data is about to be counted. Tests set them.
	program string
	landed  func(context.Context, *harness.Archive) error
}

func benchCommand(a *app) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this program on Kafka and two object stores",
		Long: `Measure this program on Kafka and two object stores.

By itself it starts Apache Kafka and two S3 servers on this machine, and removes
them with all they hold when it is done. With --brokers, --region-a, --keys-a
and so on, or with an ordinary configuration (-c FILE), it uses those that are
there, below a prefix of its own. --embedded is for a quick look: an embedded
broker, and directories for regions.

What is measured is a sweep, or a single point described by flags (--kind). A
point is counted at the stores and accounted for by the operating system. Its
verdict is "valid", or says which rule it broke: loss, duplicates, a generator
that did not hold its rate, other work on the machine. The results are written
to --out as JSON, Markdown and HTML. Exit 1 if a point is not valid.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.configured = cmd.Flags().Changed("config")
			return runBench(cmd.Context(), a, &f, cmd)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.sweep, "sweep", "quick", "the `name` of a list of points: "+strings.Join(harness.Sweeps(), ", "))
	fs.StringVar(&f.only, "only", "", "only points whose name matches this `regexp`")
	fs.Float64Var(&f.scale, "scale", 1, "multiply the events of each point, such as 0.05 for a dry run")
	fs.IntVar(&f.repeat, "repeat", 1, "run points that share a topic so many times over, in turn")
	fs.StringVar(&f.out, "out", "bench/results", "`directory` for the results, empty for none")
	fs.StringVar(&f.name, "name", "", "what the result is called (default: the sweep)")
	fs.StringVar(&f.dir, "dir", "", "`directory` for servers, logs and state (default: among the temporary files)")
	fs.Float64Var(&f.busy, "busy", 0.1, "share of the machine that other work may take before a point is not valid")
	fs.BoolVar(&f.embedded, "embedded", false, "an embedded broker and directories, for a quick look")
	fs.BoolVar(&f.keep, "keep", false, "leave the data of the last point, configurations and logs where they are")
	fs.BoolVar(&f.list, "list", false, "list the points and stop")
	f.place.flags(fs)
	f.single.flags(fs)
	cmd.MarkFlagsMutuallyExclusive("embedded", "brokers")
	cmd.MarkFlagsMutuallyExclusive("sweep", "kind")
	cmd.MarkFlagsRequiredTogether("brokers", "region-a", "keys-a", "region-b", "keys-b")
	cmd.AddCommand(benchCompareCommand(a), benchReportCommand(), benchLoadCommand(a), benchFloorCommand(a), benchBrokerCommand())
	return cmd
}

// points are those that were asked for.
func (f *benchFlags) points() (string, []harness.Spec, error) {
	plan := harness.Plan{Scale: f.scale, Repeat: f.repeat}
	var err error
	if f.only != "" {
		if plan.Only, err = regexp.Compile(f.only); err != nil {
			return "", nil, fmt.Errorf("--only: %w", err)
		}
	}
	name, all := f.sweep, []harness.Spec(nil)
	if f.single.kind != "" {
		name, all = "single", []harness.Spec{f.single.spec()}
	} else if all, err = harness.Sweep(f.sweep); err != nil {
		return "", nil, err
	}
	if f.name != "" {
		name = f.name
	}
	points, err := plan.Points(all)
	return name, points, err
}

// errNotValid is a run with a point that broke a rule.
var errNotValid = errors.New("not every point is valid")

func runBench(ctx context.Context, a *app, f *benchFlags, cmd *cobra.Command) (err error) {
	name, points, err := f.points()
	if err != nil {
		return usage(err)
	}
	if f.list {
		return listPoints(cmd.OutOrStdout(), points)
	}
	b, err := newBench(a, f, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	result := report.Result{
		Version: report.Version, Name: name, Started: time.Now().UTC(), Command: os.Args, Machine: harness.Machine(),
		Parts: report.Parts{Tidemark: version, Commit: harness.Commit(), Go: runtime.Version()},
	}
	bad := 0
	err = b.runner.Run(ctx, points, func(p report.Point) error {
		if !p.Usable() {
			bad++
		}
		result.Points = append(result.Points, p)
		return nil
	})
	if len(result.Points) == 0 {
		return err
	}
	result.Seconds = time.Since(result.Started).Seconds()
	result.Parts.Kafka, result.Parts.Stores = b.parts()
	if err := errors.Join(err, a.saveResult(cmd, f.out, result)); err != nil {
		return err
	}
	if bad > 0 {
		return refused(fmt.Errorf("%d of %d: %w", bad, len(points), errNotValid))
	}
	return nil
}

// saveResult prints the result, and writes it to a directory unless that is
// empty.
func (a *app) saveResult(cmd *cobra.Command, dir string, r report.Result) error {
	if dir != "" {
		file, err := report.Save(dir, r)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), "written to", file)
	}
	return a.print(cmd, r, func(w io.Writer) error { return report.Markdown(w, r) })
}

func listPoints(w io.Writer, points []harness.Spec) error {
	for _, s := range points {
		_, err := fmt.Fprintf(w, "%-32s %-8s %11d events  %s\n", s.Name, s.Kind, s.Workload.Events, s.Why)
		if err != nil {
			return fmt.Errorf("print points: %w", err)
		}
	}
	return nil
}
