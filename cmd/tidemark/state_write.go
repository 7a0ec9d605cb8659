package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/restore"
	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/out"
)

// destination is where a table goes.
type destination interface {
	write(ctx context.Context, t *state.Table, name out.Name) (out.Result, error)
}

// destination looks at the target first: nobody wants to learn after an hour
// that a password was wrong.
func (f *stateFlags) destination(ctx context.Context, cmd *cobra.Command) (destination, error) {
	o := out.Options{Format: out.Format(f.format), Create: f.create}
	switch {
	case f.into != "":
		return f.database(ctx)
	case f.file == "":
		return stream{cmd.OutOrStdout(), o}, nil
	}
	if _, err := os.Lstat(f.file); err == nil {
		return nil, refused(fmt.Errorf("--out %s: the file is there already: name another one, or remove it", f.file))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, usage(fmt.Errorf("--out: %w", err))
	}
	return newFile{f.file, o}, nil
}

// stream is the standard output.
type stream struct {
	w io.Writer
	o out.Options
}

func (s stream) write(ctx context.Context, t *state.Table, name out.Name) (out.Result, error) {
	s.o.Table = name
	return out.Write(ctx, t, s.w, s.o)
}

// newFile is a file that has its name only when it is whole.
type newFile struct {
	name string
	o    out.Options
}

func (n newFile) write(ctx context.Context, t *state.Table, name out.Name) (out.Result, error) {
	f, err := os.CreateTemp(filepath.Dir(n.name), "."+filepath.Base(n.name)+".*") // mode 0600
	if err != nil {
		return out.Result{}, fmt.Errorf("write table: %w", err)
	}
	defer os.Remove(f.Name()) // which it no longer has after a rename
	n.o.Table = name
	result, err := out.Write(ctx, t, f, n.o)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return result, err
	}
	if err := os.Rename(f.Name(), n.name); err != nil {
		return result, fmt.Errorf("name the finished table: %w", err)
	}
	return result, nil
}

// database is PostgreSQL.
type database struct {
	url    string
	create bool
}

func (f *stateFlags) database(ctx context.Context) (destination, error) {
	if _, err := pgx.ParseConfig(f.into); err != nil {
		return nil, usage(fmt.Errorf("--into: %w", err))
	}
	d := database{f.into, f.create}
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return nil, fmt.Errorf("--into: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if f.table == "" {
		return d, nil // its name is not known yet
	}
	name, err := out.ParseName(f.table)
	if err == nil {
		err = out.Look(ctx, conn, name, f.create)
	}
	return d, refuseTarget(err)
}

func (d database) write(ctx context.Context, t *state.Table, name out.Name) (out.Result, error) {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return out.Result{}, fmt.Errorf("--into: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	result, err := out.Load(ctx, t, conn, name, d.create)
	return result, refuseTarget(err)
}

func refuseTarget(err error) error {
	var target *out.TargetError
	var different *out.DifferentError
	if errors.As(err, &target) || errors.As(err, &different) {
		return refused(err)
	}
	return err
}

// stateReport says what came of it.
type stateReport struct {
	Topic string    `json:"topic"`
	To    time.Time `json:"to,omitzero"`
	Rule  string    `json:"rule"`
	Table string    `json:"table"`
	state.Counts
	Columns  []reportColumn `json:"columns"`
	Checksum string         `json:"checksum"`
	// Session and Query compute the checksum in PostgreSQL.
	Session    string             `json:"checksum_session"`
	Query      string             `json:"checksum_query"`
	OnDisk     int64              `json:"sorted_on_disk_bytes,omitempty"`
	Unreadable []state.Unreadable `json:"unreadable_records,omitempty"`

	name out.Name
}

type reportColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Key  bool   `json:"key,omitempty"`
}

func newStateReport(f *stateFlags, p *restore.Plan, t *state.Table) *stateReport {
	r := &stateReport{Topic: f.topic, To: p.Request.To, Rule: p.Rule, Counts: t.Counts, OnDisk: t.Spilled(), Unreadable: t.Unreadable}
	r.name = tableName(f, t)
	r.Table = r.name.String()
	r.Session = state.Session
	for _, c := range t.Columns {
		r.Columns = append(r.Columns, reportColumn{c.Name, c.Kind.String(), c.Key})
	}
	return r
}

// tableName is what was asked for, else what the changes say, else the topic.
func tableName(f *stateFlags, t *state.Table) out.Name {
	if f.table != "" {
		name, _ := out.ParseName(f.table) // check has looked at it
		return name
	}
	if len(t.Sources) == 1 {
		_, bare, ok := strings.Cut(t.Sources[0], ".")
		if !ok {
			bare = t.Sources[0]
		}
		return out.Name{Table: bare}
	}
	return out.Name{Table: f.topic}
}

// tell prints a result where the rows are not: whoever reads them from the
// standard output must not find anything else there.
func (f *stateFlags) tell(a *app, cmd *cobra.Command, v any, text func(io.Writer) error) error {
	switch {
	case f.file != "" || f.into != "":
		return a.print(cmd, v, text)
	case a.json:
		return json.NewEncoder(cmd.ErrOrStderr()).Encode(v)
	}
	return text(cmd.ErrOrStderr())
}

func (r *stateReport) text(w io.Writer) error {
	if err := writeUnreadable(w, r.Unreadable, r.Counts.Unreadable+r.Incomplete); err != nil {
		return err
	}
	fmt.Fprintf(w, "table %s: %s, %s gone, from %s\n", ui.Printable(r.Table), plural(int(r.Rows), "row"), plural(int(r.Deleted), "key"), plural(int(r.Records), "record"))
	for _, note := range []struct {
		n    int64
		text string
	}{
		{r.OtherTables, "changes of other tables were left out"},
		{r.Messages, "messages of the database's log concern no row"},
		{r.NotInSnapshot, "rows are not in the last snapshot and stay (--snapshot-replaces takes them for gone)"},
		{r.Moved, "keys are in several partitions; the later version was found by the database's log or time"},
	} {
		if note.n > 0 {
			fmt.Fprintf(w, "%d %s\n", note.n, note.text)
		}
	}
	_, err := fmt.Fprintf(w, "checksum %s, to compare with the real table:\n  %s\n  %s;\n", r.Checksum, r.Session, ui.Printable(r.Query))
	return err
}

// unreadableShown is how many a person is shown; --json has more.
const unreadableShown = 50

func writeUnreadable(w io.Writer, list []state.Unreadable, count int64) error {
	if count == 0 {
		return nil
	}
	t := ui.NewTable(w, "partition", "offset", "time", "cannot be read because")
	for _, u := range list[:min(len(list), unreadableShown)] {
		t.Row(u.Partition, u.Offset, time.UnixMilli(u.Timestamp).UTC().Format(time.RFC3339Nano), u.Reason)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := count - int64(min(len(list), unreadableShown)); more > 0 {
		fmt.Fprintf(w, "and %d more (--json lists up to 10000)\n", more)
	}
	return nil
}
