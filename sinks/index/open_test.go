package index

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// TestOpenRefuses: a directory that is in use, or not this archive's index.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, opts(t, nil))
	if _, err := Open(dir, testArchive, opts(t, nil)); !errors.Is(err, ErrInUse) {
		t.Fatalf("in use: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, names.ArchiveID{9}, opts(t, nil))
	if !errors.Is(err, ErrOtherArchive) || !strings.Contains(err.Error(), testArchive.String()) {
		t.Fatalf("another archive's: %v", err)
	}
	open(t, dir, opts(t, nil)) // neither refusal did any harm
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "letters"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(foreign, testArchive, opts(t, nil)); !errors.Is(err, ErrForeign) {
		t.Fatalf("somebody else's: %v", err)
	}
	if left, _ := os.ReadDir(foreign); len(left) != 1 {
		t.Fatalf("a refused directory was written to: %v", left)
	}
}

// closed returns the directory of an index with tables, closed.
func closed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	x := open(t, dir, opts(t, nil))
	put(t, x, entries(orders, 0, 2000)...)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOpenDamaged: each of Badger's files is flipped, cut and taken
// away in turn. The index begins empty and works.
func TestOpenDamaged(t *testing.T) {
	pristine := closed(t)
	files, err := os.ReadDir(filepath.Join(pristine, badgerDir))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		for name, harm := range map[string]func(string) error{"flipped": flipByte, "cut": cutHalf, "missing": os.Remove} {
			t.Run(f.Name()+" "+name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "index")
				if err := os.CopyFS(dir, os.DirFS(pristine)); err != nil {
					t.Fatal(err)
				}
				if err := harm(filepath.Join(dir, badgerDir, f.Name())); err != nil {
					t.Fatal(err)
				}
				beginsEmpty(t, dir)
			})
		}
	}
}

func flipByte(path string) error {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return os.WriteFile(path, []byte{1}, 0o600)
	}
	b[len(b)/2] ^= 1
	return os.WriteFile(path, b, 0o600)
}

func cutHalf(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return os.Remove(path)
	}
	return os.Truncate(path, info.Size()/2)
}

// beginsEmpty opens a damaged index, looks at what was reported, and uses it.
func beginsEmpty(t *testing.T, dir string) {
	t.Helper()
	var d damage
	o := opts(t, &d)
	o.Now = func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	x := open(t, dir, o)
	if got := bases(t, x, orders, 0); len(got) != 0 || !errors.Is(d.reason, ErrDamaged) {
		t.Fatalf("%d entries, reported %v", len(got), d.reason)
	}
	if filepath.Base(d.folder) != "badger.damaged-20260301T120000.000000000Z" {
		t.Fatalf("set aside as %s", d.folder)
	}
	put(t, x, entry(orders, 1))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	d = damage{}
	x = open(t, dir, opts(t, &d))
	if got := bases(t, x, orders, 0); len(got) != 1 || d.reason != nil {
		t.Fatalf("opened again: %v, %v", got, d.reason)
	}
}

// TestOpenSuspect: a process that ended while Badger opened does so once.
func TestOpenSuspect(t *testing.T) {
	dir := closed(t)
	if err := os.WriteFile(filepath.Join(dir, suspectFile), []byte("ended\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	beginsEmpty(t, dir)
}

// TestOpenKeepsOneDamaged: damage that repeats must not fill the disk.
func TestOpenKeepsOneDamaged(t *testing.T) {
	dir := closed(t)
	for range 3 {
		if err := os.WriteFile(filepath.Join(dir, suspectFile), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		x := open(t, dir, opts(t, nil))
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := filepath.Glob(filepath.Join(dir, damagedPrefix+"*")); len(got) != 1 {
		t.Fatalf("kept %v", got)
	}
}

const killedEnv = "TIDEMARK_TEST_KILLED_INDEX"

// TestOpenAfterKill: a kill leaves no sums, not even those of an earlier
// close, and the index opens with what it has.
func TestOpenAfterKill(t *testing.T) {
	if dir := os.Getenv(killedEnv); dir != "" {
		x := open(t, dir, opts(t, nil))
		put(t, x, entries(orders, 2000, 3000)...)
		killOurselves(t)
	}
	dir := closed(t)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestOpenAfterKill$")
	cmd.Env = append(os.Environ(), killedEnv+"="+dir)
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("the process was not killed:\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, sumsFile)); err == nil {
		t.Fatal("sums after a kill")
	}
	var d damage
	x := open(t, dir, opts(t, &d))
	if got := bases(t, x, orders, 0); len(got) != 3000 || d.reason != nil {
		t.Fatalf("%d entries, %v", len(got), d.reason)
	}
}

func killOurselves(t *testing.T) {
	t.Helper()
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	select {}
}
