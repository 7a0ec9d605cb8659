package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/tidemark-io/tidemark/bench/events"
)

// print writes the report: for a program one JSON object, for a person a table
// and what to try next.
func (r *Report) print(out io.Writer, asJSON bool) error {
	if r.Findings == nil {
		r.Findings = []string{}
	}
	if asJSON {
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return fmt.Errorf("print report: %w", err)
		}
		return nil
	}
	var text strings.Builder
	r.table(&text)
	r.verdict(&text)
	r.next(&text)
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func (r *Report) table(text *strings.Builder) {
	w := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) {
		fmt.Fprintf(w, "  %s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(w)
	row("produced", "%s events, %s committed, %s in aborted transactions", grouped(r.Events), grouped(r.Committed), grouped(r.Aborted))
	row("archived", "%s events a second, from the first event to the last one in both regions", grouped(r.EventsPerSecond))
	row("killed", "at event %s; the first new segment after %.2f s", grouped(r.KilledAtEvent), r.RecoverySeconds)
	row("bytes", "%s in, %s stored in two regions", size(r.BytesIn), size(r.BytesStored))
	for _, region := range r.Regions {
		row("region "+region.Name, "%s objects, %s", grouped(int64(region.Objects)), size(region.Bytes))
	}
	row("regions equal", "%s", yes(r.RegionsEqual))
	row("verify", "%s", map[bool]string{true: "nothing found", false: "findings"}[r.Verified])
	row("lost", "%s", grouped(r.Lost))
	row("duplicated", "%s", grouped(r.Duplicated))
	row("out of order", "%s", grouped(r.OutOfOrder))
	row("changed", "%s", grouped(r.Changed))
	row("aborted, yet seen", "%s", grouped(r.AbortedSeen))
	row("restored", "%s of %s records, as of %s", grouped(r.Restored), grouped(r.RestoredExpected), r.RestoredTo)
	row("found", "%d of %d records of order %s", r.Order.Found, r.Order.Expected, r.Order.Key)
	row("took", "%.1f s", r.Seconds)
	_ = w.Flush() // a strings.Builder takes everything
}

func (r *Report) verdict(text *strings.Builder) {
	if r.clean() {
		fmt.Fprintf(text, "\nEvery committed record is in both regions once, in order and unchanged.\n")
		return
	}
	fmt.Fprintf(text, "\nNot everything is as it should be:\n")
	for _, f := range r.Findings {
		fmt.Fprintf(text, "  %s\n", f)
	}
}

// next shows commands that work without the broker, which ends with the demo.
func (r *Report) next(text *strings.Builder) {
	program, config := r.program, filepath.Join(r.Dir, "tidemark.yaml")
	if wd, err := os.Getwd(); err == nil {
		program = shorter(wd, program)
		config = shorter(wd, config)
	}
	fmt.Fprintf(text, "\nThe archive stays in %s. These need no broker; try them:\n\n", r.Dir)
	for _, args := range []string{
		"find -c %s --topic " + events.Orders + " --key " + r.Order.Key,
		"cat -c %s --topic " + events.OrderRows + " --partition 0 --to " + r.RestoredTo,
		"verify -c %s --deep",
		"inspect -c %s " + r.someSegment(),
	} {
		fmt.Fprintf(text, "  %s %s\n", program, fmt.Sprintf(args, config))
	}
	fmt.Fprintf(text, "\nThe embedded broker ends with the demo (unless --keep): for restore, put one of yours into %s.\n", config)
}

// someSegment is the name of one.
func (r *Report) someSegment() string {
	region := filepath.Join(r.Dir, regionNames[0])
	found, err := filepath.Glob(filepath.Join(region, "topics", events.Orders, "*", "0", "*.seg"))
	if err != nil || len(found) == 0 {
		return "SEGMENT"
	}
	return strings.TrimPrefix(found[0], region+string(filepath.Separator))
}

// shorter gives a path as seen from a directory if that is inside it.
func shorter(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return "." + string(filepath.Separator) + rel
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes for a person.
func size(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
