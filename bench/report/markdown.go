package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
)

// Markdown writes a result for a file in a repository: headline, machine and
// one table of all points. A point that may not be quoted is struck, with why.
func Markdown(w io.Writer, r Result) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Bench %s, %s\n\n", r.Name, r.Started.UTC().Format("2 January 2006"))
	for _, h := range r.Headlines() {
		fmt.Fprintf(b, "- **%s %s** %s (`%s`%s)\n", perSecond(h.Value), h.Unit, h.What, h.Point, runs(h.Runs))
	}
	fmt.Fprintf(b, "\n%s\n\n", about(r))
	fmt.Fprintf(b, "CPU is in microseconds an event, by the operating system's account. \"Of floor\" is the program's CPU over that of the\n"+
		"cheapest program that can do the job, in the same run. Struck points broke a rule and are in no figure above.\n\n")
	writePoints(b, r)
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write result as Markdown: %w", err)
	}
	return nil
}

func runs(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(", median of %d", n)
}

// about says what it ran on and how to run it again.
func about(r Result) string {
	m := r.Machine
	sha := "without SHA extensions"
	if m.SHA {
		sha = "with SHA extensions"
	}
	return fmt.Sprintf("%s, %d cores %s, %s, %s (%s), load before %s. tidemark %s (%s, %s), %s, stores: %s.\nStarted %s, %s s in all: `%s`",
		m.CPU, m.Cores, sha, humanize.IBytes(uint64(max(m.Memory, 0))), m.OS, m.Kernel, m.LoadAvg,
		r.Parts.Tidemark, r.Parts.Commit, r.Parts.Go, r.Parts.Kafka, r.Parts.Stores,
		r.Started.UTC().Format("2006-01-02 15:04 MST"), humanize.Comma(int64(r.Seconds)), strings.Join(r.Command, " "))
}

func writePoints(b *bufio.Writer, r Result) {
	processes := r.processes()
	head := append([]string{"point", "work", "events/s", "of floor"}, processes...)
	head = append(head, "peak memory", "tail age p50 / p99 / max", "answer p50 / p99", "lost, twice", "verdict")
	row(b, head)
	row(b, rule(len(head)))
	for _, p := range r.Points {
		row(b, pointRow(r, p, processes))
	}
}

func rule(n int) []string {
	cells := make([]string, n)
	for i := range cells {
		cells[i] = "---"
	}
	return cells
}

func pointRow(r Result, p Point, processes []string) []string {
	cells := []string{"`" + p.Name + "`", describe(p), perSecond(p.PerSecond()), ratio(r.OfFloor(p))}
	for _, name := range processes {
		cells = append(cells, significant(p.CPUPerEvent(name)))
	}
	cells = append(cells, size(p.PeakRSS()), spread3(p.TailAge), spread2(p.Latency), losses(p.Check))
	if p.Usable() {
		return append(cells, p.Verdict)
	}
	for i, c := range cells {
		if c != dash {
			cells[i] = "~~" + c + "~~"
		}
	}
	return append(cells, "**not valid:** "+p.Verdict)
}

func spread3(s *Spread) string {
	if s == nil {
		return dash
	}
	return seconds(s.P50) + " / " + seconds(s.P99) + " / " + seconds(s.Max)
}

func spread2(s *Spread) string {
	if s == nil {
		return dash
	}
	return seconds(s.P50) + " / " + seconds(s.P99)
}

// row writes a line of a table; what would end a cell is written out.
func row(b *bufio.Writer, cells []string) {
	for _, c := range cells {
		c = strings.NewReplacer("|", `\|`, "\n", "; ").Replace(c)
		b.WriteString("| " + c + " ")
	}
	b.WriteString("|\n")
}
