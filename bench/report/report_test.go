package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

// point is a usable point: 10 s, a rate, and a CPU cost of the program in
// microseconds an event.
func point(name string, kind report.Kind, partitions int, rate, cpu float64) report.Point {
	n := int64(10 * rate)
	of := func(name string, us float64) report.Process {
		return report.Process{Name: name, User: us * float64(n) / 1e6 * 0.9, System: us * float64(n) / 1e6 * 0.1, PeakRSS: 300 << 20}
	}
	return report.Point{
		Name: name, Kind: kind, Verdict: report.Valid, Seconds: 10, Events: n, Bytes: n * 237, Wire: n * 45,
		Workload:  report.Workload{Format: "order", EventBytes: 237, Codec: "zstd", BatchEvents: 200, Ratio: 5, Partitions: partitions, Events: n},
		Settings:  report.Settings{KeyFilter: strings.Contains(name, "filter"), Compression: "zstd", SegmentSize: 16 << 20, SegmentAge: 10, Memory: 256 << 20},
		Processes: []report.Process{of("kafka", 0.3), of("tidemark", cpu), of("region a", 0.2), of("region b", 0.2)},
		Check:     &report.Check{Expected: n},
	}
}

func example() report.Result {
	live := point("live/zstd/64p", report.Live, 64, 600_000, 0.6)
	live.TailAge = &report.Spread{P50: 6, P99: 12, Max: 14.5, Samples: 900}
	live.Generator = &report.Rate{Asked: 600_000, Held: 600_000}
	lost := point("backlog/zstd/1000p/filter", report.Backlog, 1000, 2_500_000, 0.2)
	lost.Verdict, lost.Check.Lost = "3 events lost <&>|", 3
	find := point("find/64p", report.Find, 64, 20, 500)
	find.Latency = &report.Spread{P50: 0.012, P99: 0.08, Max: 0.2, Samples: 200}
	return report.Result{
		Version: report.Version, Name: "published", Started: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), Seconds: 321,
		Command: []string{"tidemark", "bench", "published"},
		Machine: report.Machine{CPU: "AMD EPYC", Cores: 2, SHA: true, Memory: 24 << 30, OS: "linux", Kernel: "6.1", LoadAvg: "0.10 0.20 0.10"},
		Parts:   report.Parts{Tidemark: "dev", Commit: "abc123", Go: "go1.26.0", Kafka: "Apache Kafka 4.3.1", Stores: "versitygw v1.8.0"},
		Points: []report.Point{
			point("floor/zstd/64p", report.Floor, 64, 1_900_000, 0.4),
			point("backlog/zstd/1p/filter", report.Backlog, 1, 900_000, 0.9),
			point("backlog/zstd/64p", report.Backlog, 64, 1_500_000, 0.44),
			point("backlog/zstd/64p/filter", report.Backlog, 64, 1_000_000, 0.92),
			point("backlog/zstd/64p/filter#2", report.Backlog, 64, 1_040_000, 0.9),
			lost, live,
			point("restore/64p", report.Restore, 64, 1_100_000, 0.5),
			find,
		},
	}
}

func TestReadWrite(t *testing.T) {
	var b bytes.Buffer
	if err := report.Write(&b, example()); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	r, err := report.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := report.Write(&again, r); err != nil || again.String() != text {
		t.Errorf("what was read is written differently: %v", err)
	}
	for name, test := range map[string]struct{ from, to, want string }{
		"unknown field":      {`"seconds": 321`, `"seconds": 321, "extra": 1`, "extra"},
		"rubbish":            {`"points"`, `points`, "invalid character"},
		"something behind":   {text, text + "{}", "after top-level value"},
		"a slash in a name":  {`"published"`, `"../x"`, "letters, digits"},
		"two of one name":    {`64p/filter#2"`, `64p/filter"`, "two points are called"},
		"a figure below 0":   {`"events": 19000000,`, `"events": -1,`, "below zero"},
		"valid, and lost":    {`"lost": 0`, `"lost": 2`, "called valid"},
		"valid, and nothing": {`"events": 19000000,` + "\n" + `      "bytes"`, `"events": 0,` + "\n" + `      "bytes"`, "nothing was measured"},
		"no verdict":         {`"verdict": "valid"`, `"verdict": ""`, "no verdict"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(text, test.from, test.to, 1)
			if _, err := report.Read(strings.NewReader(broken)); broken == text || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	var version *report.VersionError
	_, err := report.Read(strings.NewReader(`{"version":2,"what":"ever"}`))
	if !errors.As(err, &version) || version.Version != 2 {
		t.Errorf("got %v", err)
	}
	r := example()
	r.Version = 0
	if err := report.Write(&bytes.Buffer{}, r); !errors.As(err, &version) {
		t.Errorf("write: got %v", err)
	}
}

func TestHeadlinesUseUsablePointsOnly(t *testing.T) {
	got := map[string]string{}
	for _, h := range example().Headlines() {
		got[h.What] = fmt.Sprintf("%.0f %s %d", h.Value, h.Point, h.Runs)
	}
	want := map[string]string{
		"archived while catching up, key filter on":  "1020000 backlog/zstd/64p/filter 2",
		"archived while catching up, key filter off": "1500000 backlog/zstd/64p 1",
		"archived live, key filter off":              "600000 live/zstd/64p 1",
		"restored to Kafka":                          "1100000 restore/64p 1",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestARepetitionThatIsNotValidCountsForNothing(t *testing.T) {
	r := example()
	r.Points[4].Verdict = "3 events lost"
	if h := r.Headlines()[0]; h.Value != 1_000_000 || h.Runs != 1 {
		t.Errorf("got %+v", h)
	}
}

func TestOfFloor(t *testing.T) {
	r := example()
	for i, want := range map[int]float64{2: 1.10, 3: 2.30, 5: 0, 0: 0, 7: 0} {
		if got := r.OfFloor(r.Points[i]); got < want-0.001 || got > want+0.001 {
			t.Errorf("%s: got %.3f, want %.2f", r.Points[i].Name, got, want)
		}
	}
	r.Points[0].Verdict = "too short"
	if got := r.OfFloor(r.Points[2]); got != 0 {
		t.Errorf("a floor that is not valid gives %.2f", got)
	}
	r = example()
	r.Points[0].Workload.Codec = "none"
	if got := r.OfFloor(r.Points[2]); got != 0 {
		t.Errorf("a floor of another codec gives %.2f", got)
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := report.Markdown(&b, example()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"- **1.02 M events/s** archived while catching up, key filter on (`backlog/zstd/64p/filter`, median of 2)",
		"~~`backlog/zstd/1000p/filter`~~", `**not valid:** 3 events lost <&>\|`,
		"~~3 lost, 0 twice, 0 changed of 25,000,000~~", "| 1.10 | 0.44 |", "6 s / 12 s / 14.5 s", "12 ms / 80 ms",
		"AMD EPYC, 2 cores with SHA extensions", "`tidemark bench published`",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestHTML(t *testing.T) {
	var b bytes.Buffer
	if err := report.HTML(&b, example()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"<svg", "1.02 M", "prefers-color-scheme:dark", `<tr class="bad">`, "3 events lost &lt;&amp;&gt;|", "floor of the program", "Age of the tail", "Cost against partitions"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, never := range []string{"<script", "<link", "src=", "url(", "@import", "lost <&>"} {
		if strings.Contains(page, never) {
			t.Errorf("%q in a page that loads nothing and escapes what it shows", never)
		}
	}
	if got := strings.Count(page, "http"); got != strings.Count(page, `xmlns="http://www.w3.org/2000/svg"`) {
		t.Errorf("%d addresses in the page", got)
	}
}

func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results")
	for _, want := range []string{"2026-11-22-published", "2026-11-22-published-2"} {
		got, err := report.Save(dir, example())
		if err != nil || got != filepath.Join(dir, want+".json") {
			t.Fatalf("got %s, %v", got, err)
		}
		for _, ext := range []string{".json", ".md", ".html"} {
			if _, err := os.Stat(filepath.Join(dir, want+ext)); err != nil {
				t.Error(err)
			}
		}
		if _, err := report.ReadFile(got); err != nil {
			t.Error(err)
		}
	}
	if _, err := report.ReadFile(filepath.Join(dir, "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// repeated returns the example with n repetitions of one point, whose rates are
// a little apart.
func repeated(n int, rate float64) report.Result {
	r := example()
	r.Points = r.Points[:1]
	for i := range n {
		name := "backlog/zstd/64p"
		if i > 0 {
			name += fmt.Sprintf("#%d", i+1)
		}
		r.Points = append(r.Points, point(name, report.Backlog, 64, rate*(1+0.001*float64(i)), 0.44))
	}
	return r
}

func comparison(t *testing.T, a, b report.Result) (report.Comparison, string) {
	t.Helper()
	c := report.Compare(a, b)
	var out bytes.Buffer
	if err := c.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return c, out.String()
}

func delta(c report.Comparison, unit, point string) string {
	for _, t := range c.Tables {
		for _, r := range t.Rows {
			if t.Unit == unit && r.Point == point {
				return r.Delta
			}
		}
	}
	return "none"
}

func TestCompare(t *testing.T) {
	c, text := comparison(t, repeated(6, 1_000_000), repeated(6, 1_200_000))
	if got := delta(c, "events/s", "backlog/zstd/64p"); got != "+20.00%" {
		t.Errorf("got %s of\n%s", got, text)
	}
	if got := delta(c, "µs CPU/event, program", "backlog/zstd/64p"); got != "~" {
		t.Errorf("the same cost differs by %s", got)
	}
	if !strings.Contains(text, "p=0.002 n=6+6") {
		t.Errorf("no p in\n%s", text)
	}
	c, text = comparison(t, repeated(2, 1_000_000), repeated(2, 1_200_000))
	if got := delta(c, "events/s", "backlog/zstd/64p"); got != "~" || !strings.Contains(text, "too few to tell") {
		t.Errorf("two samples differ by %s\n%s", got, text)
	}
}

func TestCompareLeavesOutWhatIsNotValid(t *testing.T) {
	a, b := repeated(6, 1_000_000), repeated(6, 1_000_000)
	b.Points[1].Verdict = "2 events lost"
	b.Points[1].Seconds = 0.1
	c, text := comparison(t, a, b)
	if !strings.Contains(text, "backlog/zstd/64p of the second result is left out: 2 events lost") || !strings.Contains(text, "n=6+5") {
		t.Errorf("%+v\n%s", c, text)
	}
}

func TestCompareAcrossMachines(t *testing.T) {
	a, b := repeated(6, 1_000_000), repeated(6, 3_000_000)
	b.Machine.CPU, b.Machine.SHA = "Xeon", false
	c, text := comparison(t, a, b)
	if !strings.Contains(text, "NOT THE SAME MACHINE (processor: AMD EPYC, then Xeon; SHA extensions: yes, then no)") {
		t.Errorf("the machines differ, and the text does not begin with it:\n%s", text)
	}
	if got := delta(c, "events/s", "backlog/zstd/64p"); got != "none" {
		t.Errorf("speeds of two machines are compared: %s", got)
	}
	if got := delta(c, "program/floor", "backlog/zstd/64p"); got != "~" {
		t.Errorf("the ratio to the floor is not compared: %s", got)
	}
}
