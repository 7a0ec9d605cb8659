package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/marks"
)

// marksFlags are what marks is asked for.
type marksFlags struct {
	topic, from, to string
	limit           int
	groups          bool
}

func marksCommand(a *app) *cobra.Command {
	var f marksFlags
	cmd := &cobra.Command{
		Use:   "marks [TIME|NAME]",
		Short: "The moments that tails and consumer groups were written down at",
		Long: `The moments that tails and consumer groups were written down at.

Every archiver writes a mark for its own partitions, every marks.every, if
anything has changed. The list has the instant of each, and how many partitions
of all were known then. With a TIME or the NAME of a mark it shows what the
archive knew at that moment: of each partition the newest mark at or before it.
A restore to a moment puts consumer groups where they were in that mark; with
--mark it also cuts at its tails.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runMarks(a, cmd, f, args) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.topic, "topic", "", "only marks of this `topic`")
	fs.StringVar(&f.from, "from", "", "list from this `TIME` on (default: a day before the newest)")
	fs.StringVar(&f.to, "to", "", "list up to this `TIME`")
	fs.IntVar(&f.limit, "limit", 50, "list so many, the newest; 0 for all")
	fs.BoolVar(&f.groups, "groups", false, "show consumer groups, and their offsets")
	return cmd
}

func runMarks(a *app, cmd *cobra.Command, f marksFlags, args []string) error {
	q, err := f.query()
	if err != nil {
		return usage(err)
	}
	opened, err := a.open(cmd.Context(), wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	if len(args) == 1 {
		return showMark(a, cmd, opened, f, args[0])
	}
	found, warnings, err := marks.List(cmd.Context(), opened.Cover, q)
	if err != nil {
		return unavailable(err)
	}
	result := struct {
		Marks    []marks.Moment `json:"marks"`
		Warnings []string       `json:"warnings,omitempty"`
	}{append([]marks.Moment{}, found...), warnings}
	return a.print(cmd, result, func(w io.Writer) error { return writeMarks(w, f, found, warnings) })
}

func (f marksFlags) query() (q marks.Query, err error) {
	q.Topic, q.Limit = f.topic, f.limit
	for _, t := range []struct {
		flag, text string
		at         *time.Time
	}{{"--from", f.from, &q.From}, {"--to", f.to, &q.To}} {
		if t.text == "" {
			continue
		}
		if *t.at, err = ui.ParseTime(t.text); err != nil {
			return q, fmt.Errorf("%s: %w", t.flag, err)
		}
	}
	return q, nil
}

// openMark puts a mark together, by the text of a moment or the name of a
// document.
func openMark(cmd *cobra.Command, opened *wire.Archive, text string, o marks.Options) (*marks.Mark, error) {
	var m *marks.Mark
	at, err := ui.ParseTime(text)
	if err == nil {
		m, err = marks.At(cmd.Context(), opened.Cover, at, o)
	} else {
		if _, name := marks.ParseName(text); name != nil {
			return nil, usage(fmt.Errorf("%q is neither a time nor the name of a mark: %w", text, err))
		}
		m, err = marks.Named(cmd.Context(), opened.Cover, text, o)
	}
	if no := (*marks.NoMarkError)(nil); errors.As(err, &no) {
		return nil, refused(err)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return m, nil
}

func showMark(a *app, cmd *cobra.Command, opened *wire.Archive, f marksFlags, text string) error {
	m, err := openMark(cmd, opened, text, marks.Options{})
	if err != nil {
		return err
	}
	f.only(m)
	return a.print(cmd, m, func(w io.Writer) error { return writeMark(w, m, f.groups) })
}

// only leaves of a mark what concerns the topic asked for.
func (f marksFlags) only(m *marks.Mark) {
	if f.topic == "" {
		return
	}
	var parts []marks.Partition
	for _, p := range m.Partitions {
		if p.Topic == f.topic {
			parts = append(parts, p)
		}
	}
	m.Partitions = parts
	for i := range m.Groups {
		var offsets []marks.Offset
		for _, o := range m.Groups[i].Offsets {
			if o.Topic == f.topic {
				offsets = append(offsets, o)
			}
		}
		m.Groups[i].Offsets = offsets
	}
}

func writeMarks(w io.Writer, f marksFlags, found []marks.Moment, warnings []string) error {
	if len(found) == 0 {
		fmt.Fprintln(w, "There is no mark. An archiver writes them: see marks in the configuration.")
		return writeWarnings(w, warnings)
	}
	header := []string{"time", "partitions", "topics", "groups", "name"}
	t := ui.NewTable(w, header...)
	for _, m := range found {
		groups := fmt.Sprint(len(m.Groups))
		if f.groups {
			groups = strings.Join(m.Groups, " ")
		}
		if n := len(m.Unread); n > 0 {
			groups += fmt.Sprintf(" (%d unread)", n)
		}
		t.Row(instant(m.At), fmt.Sprintf("%d of %d", m.Covered, m.Partitions), strings.Join(m.Topics, " "), groups, m.Name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return writeWarnings(w, warnings)
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func writeWarnings(w io.Writer, warnings []string) error {
	for _, text := range warnings {
		if _, err := fmt.Fprintf(w, "warning: %s\n", ui.Printable(text)); err != nil {
			return err
		}
	}
	return nil
}

func writeMark(w io.Writer, m *marks.Mark, groups bool) error {
	fmt.Fprintf(w, "The mark of %s, of %s.\n\n", instant(m.At), plural(len(m.Documents), "document"))
	t := ui.NewTable(w, "topic", "partition", "tail", "in each region", "stable", "as of", "lineage")
	for _, p := range m.Partitions {
		t.Row(p.Topic, p.Number, p.Tail, regions(p.Tails), p.Stable, instant(p.At), p.Lineage)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if groups {
		fmt.Fprintln(w)
		if err := writeGroups(w, m); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w, "\n%s; --groups shows them.\n", plural(len(m.Groups), "consumer group"))
	}
	return writeWarnings(w, m.Warnings)
}

// regions prints tails by region.
func regions(tails map[string]int64) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(tails)) {
		out = append(out, fmt.Sprintf("%s %d", name, tails[name]))
	}
	return strings.Join(out, ", ")
}

func writeGroups(w io.Writer, m *marks.Mark) error {
	t := ui.NewTable(w, "group", "state", "topic", "partition", "offset", "as of", "metadata")
	for _, g := range m.Groups {
		if len(g.Offsets) == 0 {
			t.Row(g.Name, g.State, "", "", "", "", "unread: "+g.Unread)
		}
		for _, o := range g.Offsets {
			t.Row(g.Name, g.State, o.Topic, o.Partition, o.Offset, instant(o.At), o.Metadata)
		}
	}
	for _, s := range m.Shares {
		t.Row(s.Name, s.State, "", "", "", "", "a share group: its position is not kept")
	}
	return t.Flush()
}
