package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/bench/capacity"
	"github.com/tidemark-io/tidemark/bench/report"
)

// planFlags are what was typed for plan.
type planFlags struct {
	workload, example, profile, prices string
	check, plot                        string
	maxMonthly                         float64
	examplePrices, print               bool
	fit                                string

	rate, peak, compressibility, retention float64
	partitions, eventBytes                 int
	codec                                  string
	size                                   capacity.Bytes
	age                                    capacity.Duration
	filter, rollUp                         bool
}

func planCommand(a *app) *cobra.Command {
	f := &planFlags{}
	cmd := &cobra.Command{
		Use:   "plan [--workload FILE | --example NAME] [--prices FILE] [--profile FILE]",
		Short: "Say what a workload takes: cores, memory, requests, bytes, money, times",
		Long: `Say what a workload takes before it runs: instances and cores, memory, network,
requests, stored bytes over the retention, a month's cost line by line, the time
to catch up after an hour's outage and to restore a day, the recovery point, and
what limits first.

Costs per event are measured: by a bench on your own machines (--profile
RESULT.json, or a profile made of it with --fit), or by the one that is shipped.
Prices are yours: --example-prices prints a table to fill in. A workload is a
YAML file; --example ecommerce --print-workload prints one to begin with, and
flags change single values of it.

--check holds the model against the points of a bench's result: each is
predicted from the others. Exit 1 if a prediction is more than 20 % off, and if a
plan breaks a limit.`,
		Example: `  tidemark plan --example ecommerce
  tidemark plan --workload mine.yaml --prices prices.yaml --plot plan.html
  tidemark plan --example bank --max-monthly 500
  tidemark plan --check bench/results/2026-11-22-published.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPlan(a, cmd, f) },
	}
	f.files(cmd)
	f.values(cmd)
	return cmd
}

func (f *planFlags) files(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.workload, "workload", "", "the workload, a YAML `file`")
	flags.StringVar(&f.example, "example", "", "begin with an example: "+strings.Join(capacity.Examples(), ", "))
	flags.BoolVar(&f.print, "print-workload", false, "print the example and do nothing else")
	flags.StringVar(&f.profile, "profile", "", "profile, or result of a bench, a JSON `file` (default: the shipped one)")
	flags.StringVar(&f.prices, "prices", "", "price table, a YAML `file` (default: an example)")
	flags.BoolVar(&f.examplePrices, "example-prices", false, "print the example of a price table and do nothing else")
	flags.StringVar(&f.check, "check", "", "predict the points of a bench's `result` from each other")
	flags.StringVar(&f.fit, "fit", "", "print the profile of a bench's `result` and do nothing else")
	flags.StringVar(&f.plot, "plot", "", "draw cost and cores against rate into a `file`, .svg or .html")
	flags.Float64Var(&f.maxMonthly, "max-monthly", 0, "also say how many partitions a monthly budget allows")
	for _, pair := range [][]string{{"workload", "example"}, {"check", "fit", "example-prices", "print-workload", "plot"}, {"check", "fit", "workload"}} {
		cmd.MarkFlagsMutuallyExclusive(pair...)
	}
}

func (f *planFlags) values(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Float64Var(&f.rate, "rate", 0, "events a second on average")
	flags.Float64Var(&f.peak, "peak", 0, "events a second at the peak")
	flags.IntVar(&f.eventBytes, "event-bytes", 0, "key and value of an event, uncompressed")
	flags.StringVar(&f.codec, "codec", "", "of the producers: "+strings.Join(capacity.Codecs(), ", "))
	flags.Float64Var(&f.compressibility, "compressibility", 0, "uncompressed over compressed under zstd")
	flags.IntVar(&f.partitions, "partitions", 0, "of all topics")
	flags.Var(sizeValue{&f.size}, "segment-size", "where a segment is closed")
	flags.Var(durationValue{&f.age}, "segment-age", "when a segment is closed")
	flags.Float64Var(&f.retention, "retention-days", 0, "how long everything is kept")
	flags.BoolVar(&f.filter, "key-filter", true, "keep a filter over the keys")
	flags.BoolVar(&f.rollUp, "roll-up", true, "make large segments of small ones")
}

func runPlan(a *app, cmd *cobra.Command, f *planFlags) error {
	switch {
	case f.examplePrices:
		text, err := capacity.ExamplePrices()
		return errors.Join(err, write(cmd, text))
	case f.print:
		text, err := capacity.Example(f.example)
		if err != nil {
			return usage(err)
		}
		return write(cmd, text)
	case f.fit != "":
		return fitProfile(cmd, f.fit)
	case f.check != "":
		return checkModel(a, cmd, f.check)
	}
	return makePlan(a, cmd, f)
}

func write(cmd *cobra.Command, text []byte) error {
	if _, err := cmd.OutOrStdout().Write(text); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	return nil
}

func fitProfile(cmd *cobra.Command, file string) error {
	r, err := report.ReadFile(file)
	if err != nil {
		return usage(err)
	}
	p, err := capacity.ProfileOf(r)
	if err != nil {
		return refused(err)
	}
	return capacity.WriteProfile(cmd.OutOrStdout(), p)
}

func checkModel(a *app, cmd *cobra.Command, file string) error {
	r, err := report.ReadFile(file)
	if err != nil {
		return usage(err)
	}
	c, err := capacity.CheckResult(r)
	if err != nil {
		return refused(err)
	}
	if err := a.print(cmd, c, c.WriteText); err != nil {
		return err
	}
	if c.Off > 0 {
		return refused(fmt.Errorf("%s of the model more than %.0f %% off", plural(c.Off, "prediction"), capacity.Tolerance*100))
	}
	return nil
}

// planned is what --json prints.
type planned struct {
	capacity.Plan
	Budget *budgeted `json:"budget,omitempty"`
}

type budgeted struct {
	Monthly    float64 `json:"max_monthly"`
	Partitions int     `json:"largest_partition_count"`
}

func makePlan(a *app, cmd *cobra.Command, f *planFlags) error {
	w, profile, prices, err := f.read(cmd)
	if err != nil {
		return usage(err)
	}
	made, err := capacity.Make(profile, w, prices)
	if err != nil {
		return usage(err)
	}
	out := planned{Plan: made}
	if cmd.Flags().Changed("max-monthly") {
		n, err := capacity.LargestPartitions(profile, w, prices, f.maxMonthly)
		if err != nil {
			return usage(err)
		}
		out.Budget = &budgeted{f.maxMonthly, n}
	}
	if f.plot != "" {
		if err := drawPlan(f.plot, made, profile, prices); err != nil {
			return err
		}
	}
	if err := a.print(cmd, out, func(w io.Writer) error { return out.writeText(w, prices) }); err != nil {
		return err
	}
	if l, ok := made.Met(); !ok {
		return refused(fmt.Errorf("the workload breaks a limit: %s: %s", l.What, l.Advice))
	}
	return nil
}

func (p planned) writeText(w io.Writer, prices capacity.Prices) error {
	if err := p.WriteText(w); err != nil {
		return err
	}
	if p.Budget != nil {
		fmt.Fprintf(w, "\nfor %g %s a month: at most %d partitions\n", p.Budget.Monthly, prices.Currency, p.Budget.Partitions)
	}
	if prices.Example {
		fmt.Fprintln(w, "\nThe prices are an example. Put your own into a file: tidemark plan --example-prices > prices.yaml")
	}
	return nil
}

// read reads what the plan is made of, and puts the flags over it.
func (f *planFlags) read(cmd *cobra.Command) (w capacity.Workload, p capacity.Profile, prices capacity.Prices, err error) {
	if w, err = f.readWorkload(); err != nil {
		return w, p, prices, err
	}
	f.overlay(cmd, &w)
	if f.profile == "" {
		p, err = capacity.Shipped()
	} else {
		p, err = capacity.ReadProfileFile(f.profile)
	}
	if err != nil {
		return w, p, prices, err
	}
	if f.prices != "" {
		prices, err = capacity.ReadPricesFile(f.prices)
		return w, p, prices, err
	}
	text, err := capacity.ExamplePrices()
	if err != nil {
		return w, p, prices, err
	}
	prices, err = capacity.ReadPrices(bytes.NewReader(text))
	return w, p, prices, err
}

func (f *planFlags) readWorkload() (capacity.Workload, error) {
	switch {
	case f.workload != "":
		return capacity.ReadWorkloadFile(f.workload)
	case f.example != "":
		text, err := capacity.Example(f.example)
		if err != nil {
			return capacity.Workload{}, err
		}
		return capacity.ReadWorkload(bytes.NewReader(text))
	}
	return capacity.DefaultWorkload(), nil
}

// overlay puts the flags that were typed over the workload.
func (f *planFlags) overlay(cmd *cobra.Command, w *capacity.Workload) {
	set := func(flag string, put func()) {
		if cmd.Flags().Changed(flag) {
			put()
		}
	}
	set("rate", func() { w.Average = f.rate; w.Peak = max(w.Peak, f.rate) })
	set("peak", func() { w.Peak = f.peak })
	set("event-bytes", func() { w.EventBytes = f.eventBytes })
	set("codec", func() { w.Codec = f.codec })
	set("compressibility", func() { w.Compressibility = f.compressibility })
	set("partitions", func() { w.Partitions = f.partitions })
	set("segment-size", func() { w.SegmentSize = f.size })
	set("segment-age", func() { w.SegmentAge = f.age })
	set("retention-days", func() { w.RetentionDays = f.retention })
	set("key-filter", func() { w.KeyFilter = f.filter })
	set("roll-up", func() { w.RollUp.On = f.rollUp })
}

// drawPlan draws the curve into a file.
func drawPlan(file string, made capacity.Plan, p capacity.Profile, prices capacity.Prices) error {
	curve, err := capacity.Curve(p, made.Workload, prices)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	switch filepath.Ext(file) {
	case ".svg":
		err = capacity.WriteSVG(&b, curve, prices.Currency)
	case ".html":
		err = capacity.WriteHTML(&b, made, curve, prices.Currency)
	default:
		return usage(fmt.Errorf("%s: a plot is an .svg or an .html file", file))
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	return nil
}

// sizeValue and durationValue are flags of the workload's units.
type sizeValue struct{ *capacity.Bytes }

func (v sizeValue) String() string {
	if v.Bytes == nil || *v.Bytes == 0 {
		return ""
	}
	return v.Bytes.String()
}
func (v sizeValue) Set(s string) error { return v.UnmarshalText([]byte(s)) }
func (v sizeValue) Type() string       { return "size" }

type durationValue struct{ *capacity.Duration }

func (v durationValue) String() string {
	if v.Duration == nil || *v.Duration == 0 {
		return ""
	}
	return v.Duration.String()
}
func (v durationValue) Set(s string) error { return v.UnmarshalText([]byte(s)) }
func (v durationValue) Type() string       { return "duration" }
