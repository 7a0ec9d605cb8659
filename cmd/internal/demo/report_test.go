package demo

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

func TestJSONHasTheFieldsThatWerePromised(t *testing.T) {
	var out strings.Builder
	r := Report{Events: 7, RegionsEqual: true}
	if err := r.print(&out, true); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"events", "committed", "lost", "duplicated", "regions_equal", "restored_expected", "restored",
		"events_per_second", "recovery_seconds", "bytes_in", "bytes_stored"} {
		if _, ok := got[field]; !ok {
			t.Errorf("%s is missing", field)
		}
	}
	if strings.Count(out.String(), "\n") != 1 || got["events"] != 7.0 || got["regions_equal"] != true {
		t.Errorf("printed %s", out.String())
	}
}

func TestAnyFindingIsNotClean(t *testing.T) {
	whole := func() *Report { return &Report{Verified: true, RegionsEqual: true} }
	if !whole().clean() {
		t.Fatal("a report without findings is not clean")
	}
	for name, spoil := range map[string]func(*Report){
		"lost":      func(r *Report) { r.compared("x", events.Findings{Expected: 1, Lost: 1, First: "lost"}) },
		"doubled":   func(r *Report) { r.compared("x", events.Findings{Expected: 1, Matched: 1, Doubled: 1, First: "twice"}) },
		"unequal":   func(r *Report) { r.RegionsEqual = false },
		"unproven":  func(r *Report) { r.Verified = false },
		"not found": func(r *Report) { r.finding("find: nothing") },
	} {
		r := whole()
		spoil(r)
		if r.clean() {
			t.Errorf("%s: clean", name)
		}
		var out strings.Builder
		if err := r.print(&out, false); err != nil || !strings.Contains(out.String(), "Not everything") {
			t.Errorf("%s: %v, %s", name, err, out.String())
		}
	}
}

func TestTheConfigurationIsValid(t *testing.T) {
	d := testDemo(t, "prints")
	cfg, err := config.Load(d.space.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Regions) != len(regionNames) || len(cfg.Topics) != len(partitions) || cfg.Telemetry.Listen != "" {
		t.Errorf("%+v", cfg)
	}
	answer := config.Size(0) // of all partitions at once, see configTemplate
	for _, n := range partitions {
		answer += config.Size(n) * cfg.Fetch.MaxPartitionBytes
	}
	if answer >= cfg.Fetch.MaxBytes {
		t.Errorf("a fetch may bring %s, and fetch.max_bytes is %s", answer, cfg.Fetch.MaxBytes)
	}
}

func TestADirectoryWithSomethingInItIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newWorkspace(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
}

func TestMeasureComparesBytes(t *testing.T) {
	for name, c := range map[string]struct {
		north, south map[string]string
		equal        bool
	}{
		"equal":        {map[string]string{"topics/a": "1", "archive.json": "2"}, map[string]string{"topics/a": "1", "archive.json": "2"}, true},
		"bytes":        {map[string]string{"topics/a": "1"}, map[string]string{"topics/a": "2"}, false},
		"sizes":        {map[string]string{"topics/a": "1"}, map[string]string{"topics/a": "22"}, false},
		"missing":      {map[string]string{"topics/a": "1"}, map[string]string{"topics/b": "1"}, false},
		"half written": {map[string]string{"topics/a": "1", ".tmp/x": "3"}, map[string]string{"topics/a": "1"}, true},
	} {
		d := testDemo(t, "prints")
		fill(t, d.space.segments(regionNames[0]), c.north)
		fill(t, d.space.segments(regionNames[1]), c.south)
		if err := d.measure(); err != nil || d.report.RegionsEqual != c.equal || (len(d.report.Findings) == 0) != c.equal {
			t.Errorf("%s: %v, %+v", name, err, d.report)
		}
	}
}

func fill(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
