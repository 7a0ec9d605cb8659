package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/drill"
)

// drillFlags are what drill is asked for.
type drillFlags struct {
	all      bool
	sample   config.Share
	seed     string
	to       string
	topics   []string
	without  string
	brokers  []string
	prefix   string
	keep     bool
	replicas int16
	maxRate  config.Size
	noSource bool
	noRecord bool
	report   string

	list  bool
	show  string
	check string
}

func drillCommand(a *app) *cobra.Command {
	var f drillFlags
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Restore a part on trial, prove it, and measure how soon it is back",
		Long: `Restore a part on trial, prove it, and measure how soon it is back.

A share of the segments of each topic is restored as of now, by the code that
restore uses: to nowhere, where every batch is decoded and checked, or to scratch
topics of a cluster, which are deleted afterwards. What came back is compared,
record by record, with the source cluster where it still has the offsets, and with
the digests of every copy. Recovery time is measured to the first record back and
to the last, recovery point as the age of what was not archived yet.

The result is signed and kept in the archive; --report writes it as JSON and as a
page, and --check proves such a file with nothing but the pinned root.

Exit 1 if anything is missing, different, added or damaged, or if an objective is
missed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDrill(cmd, a, f) },
	}
	f.add(cmd)
	return cmd
}

func (f *drillFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&f.all, "all", false, "restore everything")
	fs.Var(textValue{&f.sample}, "sample", "share of the segments of each topic, such as 5% (default: drill.sample)")
	fs.StringVar(&f.seed, "seed", "", "choose the sample by this `number`: the same one chooses the same")
	fs.StringVar(&f.to, "to", "", "the moment that is restored, as `TIME` (default: now)")
	fs.StringArrayVar(&f.topics, "topic", nil, "only this `topic`; may be repeated (default: drill.topics, or all)")
	fs.StringVar(&f.without, "without-region", "", "do not use the region of this `name`, to prove that the other is enough")
	fs.StringSliceVar(&f.brokers, "target-brokers", nil, "restore to scratch topics of this cluster, `host:port,…`")
	fs.StringVar(&f.prefix, "prefix", "", "begins the names of scratch topics (default: drill.prefix)")
	fs.BoolVar(&f.keep, "keep", false, "leave the scratch topics where they are")
	fs.Int16Var(&f.replicas, "replication-factor", 0, "of scratch topics; 0 is the cluster's default")
	fs.Var(textValue{&f.maxRate}, "max-rate", "most bytes to read a second, such as 50MiB")
	fs.BoolVar(&f.noSource, "no-source", false, "compare nothing with the source cluster, and measure no recovery point")
	fs.BoolVar(&f.noRecord, "no-record", false, "neither sign the result nor keep it in the archive; needs no signing key")
	fs.StringVar(&f.report, "report", "", "write the result into this `folder`, as signed JSON and as a page")
	fs.BoolVar(&f.list, "list", false, "list the drills that the archive keeps")
	fs.StringVar(&f.show, "show", "", "show one of them, by its file's `name` or the beginning of its digest")
	fs.StringVar(&f.check, "check", "", "prove that this `file` is the result of a drill of this archive")
	cmd.MarkFlagsMutuallyExclusive("all", "sample")
	cmd.MarkFlagsMutuallyExclusive("list", "show", "check")
	cmd.MarkFlagsMutuallyExclusive("keep", "list")
}

func runDrill(cmd *cobra.Command, a *app, f drillFlags) error {
	switch {
	case f.list:
		return listDrills(cmd, a)
	case f.show != "":
		return showDrill(cmd, a, f)
	case f.check != "":
		return checkDrill(cmd, a, f.check)
	}
	return makeDrill(cmd, a, f)
}

func makeDrill(cmd *cobra.Command, a *app, f drillFlags) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	signer, err := f.signer(cfg)
	if err != nil {
		return err
	}
	opened, err := a.openUnidentified(cmd.Context(), wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	a.limitMemory(restoreMemory)
	d, err := f.wired(cmd.Context(), opened)
	if err != nil {
		return err
	}
	defer d.Close()
	progress := a.progress(cmd, "drill")
	defer progress.Done()
	d.Options.Progress = func(p drill.Progress) {
		progress.Update("%s: %d records, %s, %d of %d", p.Step, p.Records, ui.Bytes(p.Bytes), p.Done, p.Parts)
	}
	result, err := d.Run(cmd.Context())
	if err != nil {
		return err
	}
	progress.Done()
	evidence, err := keepDrill(cmd.Context(), opened, signer, result)
	if err != nil {
		// What was found must not be lost with what could not be kept.
		return errors.Join(fmt.Errorf("the result could not be kept in the archive: %w", err), f.tell(cmd, a, &drill.Evidence{Result: result}))
	}
	if err := f.tell(cmd, a, evidence); err != nil {
		return err
	}
	if err := result.Err(); err != nil {
		return refused(err)
	}
	return nil
}

// keepDrill signs and keeps a result, if there is somebody to sign it.
func keepDrill(ctx context.Context, opened *wire.Archive, signer *signed.Signer, r *drill.Result) (*drill.Evidence, error) {
	if signer == nil {
		return &drill.Evidence{Result: r}, nil
	}
	return opened.KeepDrill(ctx, signer, r)
}

// signer is nil where nothing is to be kept.
func (f *drillFlags) signer(cfg *config.Config) (*signed.Signer, error) {
	if f.noRecord {
		return nil, nil
	}
	signer, err := wire.Signer(cfg)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: the result is signed and kept in the archive; --no-record does neither", err)
	}
	return signer, err
}

// wired is the drill that the flags and the configuration ask for.
func (f *drillFlags) wired(ctx context.Context, opened *wire.Archive) (*wire.Drill, error) {
	seed, err := f.number()
	if err != nil {
		return nil, usage(err)
	}
	to, err := f.moment()
	if err != nil {
		return nil, usage(err)
	}
	if f.keep && len(f.brokers)+len(opened.Config.Drill.TargetBrokers) == 0 {
		return nil, usage(errors.New("--keep keeps scratch topics, and there is no --target-brokers to make them"))
	}
	section, err := f.over(opened.Config)
	if err != nil {
		return nil, usage(err)
	}
	d, err := opened.NewDrill(ctx, wire.DrillChoice{Topics: f.topics, NoSource: f.noSource, Drill: section})
	if err != nil {
		return nil, err
	}
	if err := hasTopics(ctx, d.Archive, f.topics); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	o := &d.Options
	o.To, o.MaxRate, o.Program = to, int64(f.maxRate), drill.Program(thisBuild())
	if seed != nil {
		o.Seed = *seed
	}
	if o.Target != nil {
		o.Target.Keep, o.Target.ReplicationFactor = f.keep, f.replicas
	}
	return d, nil
}

// over is the configuration's section with what the flags say over it.
func (f *drillFlags) over(cfg *config.Config) (config.Drill, error) {
	d := cfg.Drill
	if f.sample > 0 {
		d.Sample = f.sample
	}
	if f.all {
		d.Sample = 1
	}
	if f.without != "" {
		d.WithoutRegion = f.without
	}
	if len(f.brokers) > 0 {
		d.TargetBrokers = f.brokers
	}
	if f.prefix != "" {
		d.Prefix = f.prefix
	}
	for _, r := range cfg.Regions {
		if d.WithoutRegion == "" || r.Name == d.WithoutRegion {
			return d, nil
		}
	}
	return d, fmt.Errorf("--without-region %s: there is no region of this name", d.WithoutRegion)
}

// tell prints a result, and writes it where --report says.
func (f *drillFlags) tell(cmd *cobra.Command, a *app, e *drill.Evidence) error {
	if err := printDrill(cmd, a, e); err != nil || f.report == "" {
		return err
	}
	if err := os.MkdirAll(f.report, 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return writeEvidence(cmd.ErrOrStderr(), f.report, e)
}
