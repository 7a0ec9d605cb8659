package local

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shell is a Process that runs a line of shell and is ready when it says so.
func shell(t *testing.T, line string) *Process {
	t.Helper()
	p := &Process{name: "test server", argv: []string{"/bin/sh", "-c", line}, log: filepath.Join(t.TempDir(), "log")}
	p.ready = func(context.Context) error {
		if !bytes.Contains(p.tail(), []byte("ready")) {
			return errors.New("not ready")
		}
		return nil
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

func TestStartErrorQuotesTheLog(t *testing.T) {
	err := shell(t, "echo the disk is on fire; exit 3").start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the disk is on fire") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error does not tell why: %v", err)
	}
}

func TestStartLeavesNothingRunningWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	p := shell(t, "echo starting; exec sleep 600")
	if err := p.start(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("start of a server that never answers: %v", err)
	}
	select {
	case <-p.Exited():
	default:
		t.Error("the process still runs")
	}
}

func TestEndingTwiceIsNoError(t *testing.T) {
	p := shell(t, "echo ready; exec sleep 600")
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Kill(), p.Kill(), p.Stop()); err != nil {
		t.Error(err)
	}
}

func TestStopEndsAPausedProcess(t *testing.T) {
	p := shell(t, "echo ready; exec sleep 600")
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Pause(), p.Stop()); err != nil {
		t.Error(err)
	}
}

func TestInterruptedInstallLeavesNothing(t *testing.T) {
	t.Setenv("TIDEMARK_CACHE", t.TempDir())
	broken := errors.New("connection lost")
	_, err := cached(t.Context(), "part", func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v does not hold the cause", err)
	}
	dir, err := cached(t.Context(), "part", func(dir string) error { return nil })
	if err != nil || exists(filepath.Join(dir, "half")) {
		t.Errorf("the second install (%v) found what the first left", err)
	}
	if left, _ := filepath.Glob(dir + ".unfinished-*"); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestConcurrentInstallsRunOnce(t *testing.T) {
	t.Setenv("TIDEMARK_CACHE", t.TempDir())
	const many = 8
	fills, results := make(chan struct{}, many), make(chan error)
	for range many {
		go func() {
			_, err := cached(t.Context(), "part", func(string) error { fills <- struct{}{}; return nil })
			results <- err
		}()
	}
	for range many {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if len(fills) != 1 {
		t.Errorf("%d installs filled the same directory", len(fills))
	}
}

func TestMissingNamesJava(t *testing.T) {
	t.Setenv("JAVA_HOME", t.TempDir())
	if got := Missing(); !strings.Contains(got, "java 17 or later") || strings.Contains(got, "\n") {
		t.Errorf("without Java it says %q", got)
	}
}

// recorder is a TB that notes how a test ended.
type recorder struct{ skipped, failed bool }

func (r *recorder) Helper()      {}
func (r *recorder) Skip(...any)  { r.skipped = true }
func (r *recorder) Fatal(...any) { r.failed = true }

func TestRequireFailsOnCI(t *testing.T) {
	t.Setenv("JAVA_HOME", t.TempDir())
	for ci, want := range map[string]recorder{"true": {failed: true}, "": {skipped: true}} {
		t.Setenv("CI", ci)
		var got recorder
		Require(&got)
		if got != want {
			t.Errorf("with CI=%q and no Java: %+v", ci, got)
		}
	}
}

func TestJavaVersions(t *testing.T) {
	for banner, want := range map[string]int{
		`openjdk version "17.0.15" 2025-04-15`: 17,
		`java version "1.8.0_391"`:             1,
		`openjdk version "25" 2025-09-16`:      25,
	} {
		if got, err := parseJavaMajor(banner); err != nil || got != want {
			t.Errorf("%s: %d, %v", banner, got, err)
		}
	}
}

func TestMetadataCutShortIsAnError(t *testing.T) {
	whole := []byte("\x00\x00\x00\x00" + "\x00\x00\x00\x01" + "\x00\x00\x00\x07" + "\x00\x01h" + "\x00\x00\x23\x84" + "\xff\xff" + "\x00\x02id")
	ids, cluster, err := parseMetadata(whole)
	if err != nil || len(ids) != 1 || ids[0] != 7 || cluster != "id" {
		t.Fatalf("got %v of %q, %v", ids, cluster, err)
	}
	for n := range whole {
		if _, _, err := parseMetadata(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are taken for a whole answer", n, len(whole))
		}
	}
}
