package demo

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildTidemark makes the program that the demo runs.
func buildTidemark(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tidemark")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../tidemark").CombinedOutput(); err != nil {
		t.Fatalf("build tidemark: %v\n%s", err, out)
	}
	return program
}

func TestDemo(t *testing.T) {
	var out, progress bytes.Buffer
	opts := Options{Events: 30_000, JSON: true, Dir: filepath.Join(t.TempDir(), "demo"), Executable: buildTidemark(t)}
	if err := Run(t.Context(), opts, &out, &progress); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), progress.String())
	}
	var r Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Events != 30_000 || r.Committed+r.Aborted != r.Events || r.Aborted == 0 {
		t.Errorf("%d events, %d committed, %d aborted", r.Events, r.Committed, r.Aborted)
	}
	if !r.clean() || r.Lost != 0 || r.Duplicated != 0 || r.Restored != r.RestoredExpected || r.Order.Found != r.Order.Expected {
		t.Errorf("%s", out.String())
	}
	if r.Restored < r.Committed/3 || r.Restored > r.Committed*2/3 || r.Order.Found == 0 {
		t.Errorf("%d of %d records restored to the middle, %d of the order found", r.Restored, r.Committed, r.Order.Found)
	}
	if r.KilledAtEvent < r.Events/3 || r.RecoverySeconds <= 0 || r.BytesStored < r.BytesIn {
		t.Errorf("%s", out.String())
	}
	tryNext(t, &r)
}

// tryNext runs the commands that the demo ends with, without its broker.
func tryNext(t *testing.T, r *Report) {
	t.Helper()
	var text strings.Builder
	r.program = buildTidemark(t)
	r.next(&text)
	tried := 0
	for line := range strings.Lines(text.String()) {
		args := strings.Fields(line)
		if len(args) == 0 || args[0] != r.program {
			continue
		}
		tried++
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	if tried != 4 {
		t.Errorf("%d commands in %s", tried, text.String())
	}
}
