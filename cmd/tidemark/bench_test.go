package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/bench/harness"
	"github.com/tidemark-io/tidemark/bench/report"
)

// One topic is archived three times; before the second and third count somebody
// is at the first region. Only the first point may be called valid.
func TestBenchNoticesDamage(t *testing.T) {
	program, err := exec.LookPath("tidemark") // TestMain has put it there
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	flags := &benchFlags{dir: dir, embedded: true, busy: 1, program: program}
	damages := []func(*testing.T, string){
		func(*testing.T, string) {},
		flip,
		func(t *testing.T, file string) { check(t, os.Remove(file)) },
	}
	flags.landed = func(context.Context, *harness.Archive) error {
		damages[0](t, aSegment(t, dir))
		damages = damages[1:]
		return nil
	}
	b, err := newBench(&app{environ: os.Environ()}, flags, t.Output())
	check(t, err)
	var points []report.Point
	run := b.runner.Run(t.Context(), threePoints(), func(p report.Point) error {
		points = append(points, p)
		return nil
	})
	check(t, run)
	check(t, b.close())
	wantDamage(t, points)
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func threePoints() []harness.Spec {
	w := report.Workload{Format: "order", EventBytes: 237, Codec: "zstd", BatchEvents: 200, Partitions: 4, Events: 200_000}
	var all []harness.Spec
	for _, name := range []string{"whole", "flipped", "removed"} {
		s := harness.Spec{Name: name, Kind: report.Backlog, Workload: w}
		s.Settings.SegmentSize = 1 << 20
		all = append(all, s)
	}
	return all
}

func wantDamage(t *testing.T, points []report.Point) {
	t.Helper()
	if len(points) != 3 {
		t.Fatalf("%d points", len(points))
	}
	for i, p := range points {
		damaged := i > 0
		if p.Check == nil || p.Check.Expected != 200_000 || (p.Check.Lost > 0) != damaged || p.Usable() == damaged {
			t.Errorf("%s: %s, %+v", p.Name, p.Verdict, p.Check)
			continue
		}
		if a, b := p.Regions[0].Events, p.Regions[1].Events; b != 200_000 || (a < b) != damaged {
			t.Errorf("%s: the regions have %d and %d events", p.Name, a, b)
		}
		if damaged && !strings.Contains(p.Verdict, "lost") {
			t.Errorf("%s: the verdict does not say it: %s", p.Name, p.Verdict)
		}
	}
}

// aSegment is a segment of the first region.
func aSegment(t *testing.T, dir string) (file string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(path, "region-a") && strings.HasSuffix(path, ".seg") {
			file = path
		}
		return err
	}))
	if file == "" {
		t.Fatal("there is no segment")
	}
	return file
}

// flip changes a bit in the middle of a file.
func flip(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	check(t, err)
	text[len(text)/2] ^= 1
	check(t, os.Remove(file)) // it may be read-only
	check(t, os.WriteFile(file, text, 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
