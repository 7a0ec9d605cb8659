package harness

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

func TestStatOfAProcessWithAnAwkwardName(t *testing.T) {
	text := "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 150 25 7 3 20 0 1 0 100 1000 10 18446744073709551615"
	got, err := parseStat([]byte(text))
	want := usage{user: 1570 * time.Millisecond, system: 280 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if _, err := parseStat([]byte("42 (a) S 1 2")); err == nil {
		t.Error("a line that is too short was read")
	}
}

// The account of this very process must grow by what it burns.
func TestAccount(t *testing.T) {
	a, err := openAccount([]Watched{{"us", os.Getpid()}})
	if err != nil {
		t.Fatal(err)
	}
	before := ownUsage()
	for ownUsage()-before < 100*time.Millisecond {
	}
	s, err := a.close()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.processes) == 0 || s.processes[0].CPU() == 0 {
		t.Skip("this operating system gives no account of processes")
	}
	if p := s.processes[0]; p.CPU() < 0.05 || p.PeakRSS < 1<<20 || s.machine < 50*time.Millisecond {
		t.Errorf("%+v, machine %s", p, s.machine)
	}
	if _, err := openAccount([]Watched{{"nobody", 1 << 30}}); err == nil {
		t.Error("a process that is not there was accounted for")
	}
}

func TestRequestsOfMetrics(t *testing.T) {
	text := `# TYPE tidemark_store_call_seconds histogram
tidemark_store_call_seconds_bucket{class="ok",op="put",store="s3://a",le="1"} 9
tidemark_store_call_seconds_count{class="ok",op="put",store="s3://a"} 9
tidemark_store_call_seconds_count{class="exist",op="put",store="s3://b"} 1
tidemark_store_call_seconds_count{class="ok",op="readat",store="s3://a"} 2e+03
tidemark_store_call_seconds_count{class="ok",op="capabilities",store="s3://a"} 1
`
	got := parseRequests(strings.NewReader(text))
	if got["PUT"] != 10 || got["GET"] != 2000 || len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestSpread(t *testing.T) {
	var samples []float64
	for i := 100; i > 0; i-- {
		samples = append(samples, float64(i))
	}
	if got := *spreadOf(samples); got != (report.Spread{P50: 50, P99: 99, Max: 100, Samples: 100}) {
		t.Errorf("%+v", got)
	}
	if got := *spreadOf([]float64{7}); got != (report.Spread{P50: 7, P99: 7, Max: 7, Samples: 1}) {
		t.Errorf("%+v", got)
	}
	if spreadOf(nil) != nil {
		t.Error("a spread of nothing")
	}
}

func TestPlacesOfAPoint(t *testing.T) {
	for place, want := range map[string]string{
		"s3://bucket?endpoint=http://h:1&path_style=true": "s3://bucket/p-1?endpoint=http://h:1&path_style=true",
		"s3://bucket/prefix?region=eu":                    "s3://bucket/prefix/p-1?region=eu",
		"file:///srv/region":                              "file:///srv/region/p-1",
	} {
		if got, err := below(place, "p-1"); err != nil || got != want {
			t.Errorf("%s: %s, %v", place, got, err)
		}
	}
	if _, err := below("file:relative", "p-1"); err == nil {
		t.Error("a relative place was taken")
	}
}

// Variables that would change a point are left out, secrets stay.
func TestEnvironment(t *testing.T) {
	t.Setenv("TIDEMARK_SEGMENT_SIZE", "1MiB")
	t.Setenv("TIDEMARK_KAFKA_SASL_PASSWORD", "p")
	got := strings.Join(environment(), "\n")
	if strings.Contains(got, "TIDEMARK_SEGMENT_SIZE") || !strings.Contains(got, "TIDEMARK_KAFKA_SASL_PASSWORD") || !strings.Contains(got, "PATH=") {
		t.Error(got)
	}
}

func TestSweepsAreWhatTheySay(t *testing.T) {
	for _, name := range Sweeps() {
		all, err := Sweep(name)
		if err != nil {
			t.Fatal(err)
		}
		points, err := Plan{}.Points(all)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var names []string
		for _, s := range points {
			names = append(names, s.Name)
			if s.Why == "" {
				t.Errorf("%s: %s has no reason", name, s.Name)
			}
			if need := spaceNeeded(s); need > 50e9 {
				t.Errorf("%s: %s needs %d GB", name, s.Name, need/1e9)
			}
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != len(points) {
			t.Errorf("%s: a name is there twice", name)
		}
	}
}

// What shares a topic is interleaved, so that drift of the machine hits all.
func TestRepeatedPointsAreInterleaved(t *testing.T) {
	all := archiving("a", orders("zstd", 1, 1000))[1:3]
	all = append(all, archiving("b", orders("none", 1, 1000))[0])
	points, err := Plan{Repeat: 2, Scale: 0.5}.Points(all)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range points {
		names = append(names, s.Name)
		if s.Workload.Events != 500 {
			t.Errorf("%s has %d events", s.Name, s.Workload.Events)
		}
	}
	if got := strings.Join(names, " "); got != "a/floor a/plain a/floor#2 a/plain#2 b/fetch b/fetch#2" {
		t.Error(got)
	}
	only, err := Plan{Only: regexp.MustCompile("plain")}.Points(all)
	if err != nil || len(only) != 1 {
		t.Errorf("%v, %v", only, err)
	}
}

// Each rule that a point can break shows in its verdict.
func TestVerdicts(t *testing.T) {
	spent := spending{wall: time.Second, machine: time.Duration(cores()) * 900 * time.Millisecond}
	for name, test := range map[string]struct {
		breaks func(*job)
		says   string
	}{
		"nothing": {func(*job) {}, report.Valid},
		"lost":    {func(j *job) { j.point.Check = &report.Check{Expected: 10, Lost: 3}; j.checkLoss() }, "3 of 10 events are lost"},
		"twice":   {func(j *job) { j.point.Check = &report.Check{Expected: 10, Twice: 1}; j.checkLoss() }, "1 events are there twice"},
		"changed": {func(j *job) { j.point.Check = &report.Check{Expected: 10, Changed: 2}; j.checkLoss() }, "2 events are not as they were produced"},
		"rate":    {func(j *job) { j.checkRate(report.Rate{Asked: 1000, Held: 989}) }, "the generator held 989 of 1000 events/s"},
		"held":    {func(j *job) { j.checkRate(report.Rate{Asked: 1000, Held: 991}) }, report.Valid},
		"regions": {func(j *job) {
			j.point.Regions = []report.Region{{Name: "a", Events: 1}, {Name: "b", Events: 2}}
			j.checkRegions(nil)
		}, "region a has 1 events and region b 2"},
		"others": {func(j *job) { NewRunner(Options{}).checkOthers(j, spent, 0) }, "other work took 90 % of the machine's CPU time"},
		"ours":   {func(j *job) { NewRunner(Options{}).checkOthers(j, spent, spent.machine) }, report.Valid},
		"mine":   {func(j *job) { NewRunner(Options{Busy: 1}).checkOthers(j, spent, 0) }, report.Valid},
	} {
		j := &job{}
		test.breaks(j)
		if got := j.verdict.String(); got != test.says {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestSpaceIsAskedForFirst(t *testing.T) {
	s := Spec{Workload: orders("zstd", 64, 1<<50)}
	err := checkSpaceNow(s, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "GB are free") {
		t.Errorf("%v", err)
	}
	s.Workload.Events = 1
	if free, _ := freeSpace(t.TempDir()); free > spareSpace+1<<20 {
		if err := checkSpaceNow(s, t.TempDir()); err != nil {
			t.Error(err)
		}
	}
}

func TestLiveSeconds(t *testing.T) {
	for _, test := range []struct{ whole, produced, want float64 }{
		{190, 180, 180}, // the last segments came of age
		{210, 180, 200}, // the archiver was behind
	} {
		got := liveSeconds(time.Duration(test.whole*float64(time.Second)), time.Duration(test.produced*float64(time.Second)), 10)
		if got != test.want {
			t.Errorf("%+v: %g", test, got)
		}
	}
}
