package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/out"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// stateFlags are the flags of state.
type stateFlags struct {
	requestFlags
	topic, lineage string

	format, file, into, table string
	create                    bool

	rows, keyColumn  string
	keyColumns       []string
	sourceTables     []string
	snapshotReplaces bool
	skipUnreadable   bool
	memory           config.Size
}

func stateCommand(a *app) *cobra.Command {
	f := stateFlags{memory: 256 << 20}
	cmd := &cobra.Command{
		Use:   "state --topic T --to TIME",
		Short: "Give a change topic back as the table it was at a moment",
		Long: `Give a change topic back as the table it was at a moment.

The records are those that restore would bring back, by the same rules (--cut,
--mark, --offsets). Of each row the last version counts: of Debezium envelopes in
JSON or Avro, flattened ones, or plain values by record key. Rows come in the
order of their keys, as JSON lines, CSV, Parquet or SQL, on the standard output
or into a new file (--out), or with COPY into an empty PostgreSQL table (--into),
in one transaction that is kept only if the database counts as many rows and
computes the same checksum. Where the topic has no schemas, the types of that
table say what dates, times, bytes and decimals are. A password may stand in
PGPASSWORD or ~/.pgpass.

At the end it prints the number of rows and deleted keys, and a checksum with the
SQL that computes it: run over the real table, the same number means the same
rows.

A record that cannot be read as a change is never skipped silently: all such are
listed and nothing is written (exit 1), or with --skip-unreadable they are listed
and left out. What does not fit into --memory is sorted on disk below state_dir,
encrypted with a key that ends with the process. The result itself is in clear.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), a, cmd) },
	}
	f.cutFlags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.format, "format", "", "jsonl, csv, parquet or sql (default: as --out ends, else jsonl)")
	fs.StringVar(&f.file, "out", "", "write into this new `file`, with mode 0600")
	fs.StringVar(&f.into, "into", "", "write into PostgreSQL, as `URL` postgres://user@host/database")
	fs.StringVar(&f.table, "table", "", "`name` of the table in SQL, or schema.name (default: as the changes or the topic say)")
	fs.BoolVar(&f.create, "create", false, "make the table, with --into or --format sql")
	fs.StringVar(&f.rows, "rows", string(state.FormAuto), "what values are taken for: debezium, rows (each value is one), or auto")
	fs.StringSliceVar(&f.keyColumns, "key-columns", nil, "these `columns` tell rows apart, not the record key")
	fs.StringVar(&f.keyColumn, "key-column", state.DefaultKeyColumn, "`column` for a record key without fields; empty leaves it out")
	fs.StringSliceVar(&f.sourceTables, "source-table", nil, "only changes of these `tables`, '*' for all as one")
	fs.BoolVar(&f.snapshotReplaces, "snapshot-replaces", false, "a row that the last snapshot did not have, and no change since, is gone")
	fs.BoolVar(&f.skipUnreadable, "skip-unreadable", false, "leave out records that cannot be read as changes")
	fs.Var(textValue{&f.memory}, "memory", "sort this much in memory, such as 1GiB")
	_ = cmd.MarkFlagRequired("topic")
	cmd.MarkFlagsMutuallyExclusive("out", "into")
	return cmd
}

// cutFlags are those of restore that say what belongs to the moment.
func (f *stateFlags) cutFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.topic, "topic", "", "the archived `topic`")
	fs.StringVar(&f.to, "to", "", "the moment, as `TIME`")
	fs.StringVar(&f.cut, "cut", "", "what belongs to the moment: time, the default, or transactions")
	fs.StringVar(&f.mark, "mark", "", "exactly what was archived at a mark, as `TIME or name`; see tidemark marks")
	fs.StringVar(&f.offsets, "offsets", "", "exactly what lies below these offsets: JSON `file`, {\"topic\": {\"0\": 4711}}")
	fs.Int32SliceVar(&f.partitions, "partition", nil, "only these partitions")
	fs.StringVar(&f.lineage, "lineage", "", "an older life of the topic, by its `topic id`; that of the moment if empty")
	fs.BoolVar(&f.incomplete, "allow-incomplete", false, "accept a moment that the archive cannot wholly vouch for")
	fs.BoolVar(&f.force, "force", false, "leave out transactions of which it is not certain whether they were complete at the moment")
}

// check looks at the flags before anything is opened, and completes them.
func (f *stateFlags) check() error {
	if err := names.CheckTopic(f.topic); err != nil {
		return err
	}
	f.topics = []string{f.topic}
	if f.lineage != "" {
		f.lineages = []string{f.topic + "=" + f.lineage}
	}
	if err := f.checkCut(); err != nil {
		return err
	}
	if f.format == "" {
		f.format = string(out.JSONLines)
		if known := strings.TrimPrefix(filepath.Ext(f.file), "."); isFormat(known) {
			f.format = known
		}
	}
	switch {
	case !isFormat(f.format):
		return fmt.Errorf("--format %s: want jsonl, csv, parquet or sql", f.format)
	case f.create && f.into == "" && f.format != string(out.SQL):
		return errors.New("--create goes with --into or --format sql")
	case f.memory < state.MinMemory:
		return fmt.Errorf("--memory %s: want %s or more", f.memory, config.Size(state.MinMemory))
	}
	if f.table != "" {
		if _, err := out.ParseName(f.table); err != nil {
			return fmt.Errorf("--table: %w", err)
		}
	}
	o := f.options("-", nil, nil)
	return o.Validate()
}

func isFormat(name string) bool {
	switch out.Format(name) {
	case out.JSONLines, out.CSV, out.Parquet, out.SQL:
		return true
	}
	return false
}

func (f *stateFlags) options(dir string, schemas values.Schemas, progress func(int64)) state.Options {
	o := state.Options{
		Topic: f.topic, Form: state.Form(f.rows), KeyColumns: f.keyColumns, KeyColumn: f.keyColumn, Tables: f.sourceTables,
		SnapshotReplaces: f.snapshotReplaces, SkipUnreadable: f.skipUnreadable,
		Schemas: schemas, Memory: int64(f.memory), Dir: dir, Workers: runtime.GOMAXPROCS(0), Progress: progress,
	}
	return o
}

func (f *stateFlags) run(ctx context.Context, a *app, cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	to, err := f.destination(ctx, cmd)
	if err != nil {
		return err
	}
	opened, err := a.open(ctx, wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	a.limitMemory(int64(f.memory) + restoreMemory)
	src := restore.FromArchive(opened.Cover, a.reporter(cmd))
	plan, err := f.plan(ctx, opened, src, cmd)
	if err != nil {
		return err
	}
	table, err := f.build(ctx, a, opened, planSource{plan, src, f.topic}, cmd)
	if unread := (*state.UnreadableError)(nil); errors.As(err, &unread) {
		return f.listUnreadable(a, cmd, unread)
	}
	if err != nil {
		return refuseTopic(err)
	}
	defer table.Close()
	r := newStateReport(f, plan, table)
	result, err := to.write(ctx, table, r.name)
	if err != nil {
		return err
	}
	r.Checksum, r.Query = result.Checksum, result.Query
	return f.tell(a, cmd, r, r.text)
}

// plan says what belongs to the moment; warnings go to whoever asked.
func (f *stateFlags) plan(ctx context.Context, opened *wire.Archive, src restore.Source, cmd *cobra.Command) (*restore.Plan, error) {
	req, err := f.request(ctx, opened.Cover, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	plan, err := restore.NewPlan(ctx, src, req, nil)
	if err != nil {
		return nil, err
	}
	for _, text := range plan.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", ui.Printable(text))
	}
	return plan, plan.Refused()
}

func (f *stateFlags) build(ctx context.Context, a *app, opened *wire.Archive, src planSource, cmd *cobra.Command) (*state.Table, error) {
	line := a.progress(cmd, "state")
	defer line.Done()
	most := src.most()
	tell := func(n int64) { line.Update("%d of at most %d records read", n, most) }
	schemas, err := opened.Schemas(src.plan.Request.To)
	if err != nil {
		return nil, err
	}
	return state.Build(ctx, src, f.options(filepath.Join(opened.Config.StateDir, "tables"), schemas, tell))
}

// planSource is the records of a plan.
type planSource struct {
	plan  *restore.Plan
	src   restore.Source
	topic string
}

// Partitions implements state.Source.
func (p planSource) Partitions() []int32 {
	var numbers []int32
	for _, t := range p.plan.Topics {
		for _, part := range t.Partitions {
			numbers = append(numbers, part.Number)
		}
	}
	return numbers
}

// Records implements state.Source.
func (p planSource) Records(ctx context.Context, partition int32) iter.Seq2[recordbatch.Record, error] {
	return p.plan.Records(ctx, p.src, p.topic, partition)
}

func (p planSource) most() int64 {
	var n int64
	for _, t := range p.plan.Topics {
		for _, part := range t.Partitions {
			n += part.MaxRecords
		}
	}
	return n
}

// refuseTopic gives the errors that say what a topic is their exit code.
func refuseTopic(err error) error {
	var none *state.NoTableError
	var several *state.TablesError
	var mixed *state.MixedError
	if errors.As(err, &none) || errors.As(err, &several) || errors.As(err, &mixed) {
		return refused(err)
	}
	return err
}

// listUnreadable lists what keeps a table from being what it was.
func (f *stateFlags) listUnreadable(a *app, cmd *cobra.Command, e *state.UnreadableError) error {
	list := struct {
		Topic      string             `json:"topic"`
		Count      int64              `json:"unreadable"`
		Unreadable []state.Unreadable `json:"unreadable_records"`
	}{e.Topic, e.Count, e.Records}
	err := f.tell(a, cmd, list, func(w io.Writer) error { return writeUnreadable(w, e.Records, e.Count) })
	return errors.Join(refused(e), err)
}
