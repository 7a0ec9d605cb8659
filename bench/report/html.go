package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/tidemark-io/tidemark/bench/report/plot"
)

//go:embed page.tmpl
var pageText string

// HTML writes a result as one page for a person: headlines, the machine, plots
// and the table of all points. It loads nothing and runs no script.
func HTML(w io.Writer, r Result) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("write result as HTML: %w", err)
	}
	if err := t.Execute(w, pageOf(r)); err != nil {
		return fmt.Errorf("write result as HTML: %w", err)
	}
	return nil
}

// page is what the template shows.
type page struct {
	Name, Date, About, Command string
	Style                      template.CSS
	Cards                      []card
	Invalid                    int
	Machine                    [][2]string
	Plots                      []figure
	Columns                    []string
	Rows                       []tableRow
}

type card struct{ Value, Unit, What, Point string }

type figure struct {
	Title, Note string
	SVG         template.HTML
}

type tableRow struct {
	Cells   []string
	Name    string
	Work    string
	Verdict string
	Bad     bool
}

func pageOf(r Result) page {
	p := page{
		Name: r.Name, Date: r.Started.UTC().Format("2 January 2006, 15:04 MST"), Command: strings.Join(r.Command, " "),
		Style: template.CSS(plot.Style), Machine: machineRows(r), //nolint:gosec // a constant of ours
	}
	for _, h := range r.Headlines() {
		p.Cards = append(p.Cards, card{perSecond(h.Value), h.Unit, h.What, h.Point + runs(h.Runs)})
	}
	for _, f := range []figure{ratePlot(r), cpuPlot(r), partitionsPlot(r), tailPlot(r)} {
		if f.SVG != "" {
			p.Plots = append(p.Plots, f)
		}
	}
	p.Columns, p.Rows = tableOf(r)
	for _, row := range p.Rows {
		if row.Bad {
			p.Invalid++
		}
	}
	return p
}

func machineRows(r Result) [][2]string {
	m := r.Machine
	return [][2]string{
		{"processor", fmt.Sprintf("%s, %d cores", m.CPU, m.Cores)},
		{"SHA extensions", yesNo(m.SHA)},
		{"memory", size(m.Memory)},
		{"system", strings.TrimSpace(m.OS + ", " + m.Kernel)},
		{"load before", m.LoadAvg},
		{"tidemark", r.Parts.Tidemark + ", " + r.Parts.Commit},
		{"Go", r.Parts.Go},
		{"Kafka", r.Parts.Kafka},
		{"stores", r.Parts.Stores},
	}
}

func tableOf(r Result) (columns []string, rows []tableRow) {
	processes := r.processes()
	columns = append([]string{"events/s", "of floor"}, processes...)
	columns = append(columns, "peak memory", "tail age p50 / p99 / max", "answer p50 / p99", "lost, twice")
	for _, p := range r.Points {
		row := tableRow{Name: p.Name, Work: describe(p), Verdict: p.Verdict, Bad: !p.Usable()}
		row.Cells = []string{perSecond(p.PerSecond()), ratio(r.OfFloor(p))}
		for _, name := range processes {
			row.Cells = append(row.Cells, significant(p.CPUPerEvent(name)))
		}
		row.Cells = append(row.Cells, size(p.PeakRSS()), spread3(p.TailAge), spread2(p.Latency), losses(p.Check))
		rows = append(rows, row)
	}
	return columns, rows
}
