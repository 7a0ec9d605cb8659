package index

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const useEnv = "TIDEMARK_TEST_USE_INDEX"

// TestDamagedAfterKill harms each file of an index that was never closed, so
// that no sums tell. Badger may then end the process, even from goroutines
// that nobody can guard; but at most once, and the next one works.
func TestDamagedAfterKill(t *testing.T) {
	if dir := os.Getenv(useEnv); dir != "" {
		useAll(t, dir)
		return
	}
	running := t.TempDir()
	x := open(t, running, opts(t, nil))
	put(t, x, entries(orders, 0, 2000)...)
	if err := x.Close(); err != nil { // makes a table
		t.Fatal(err)
	}
	x = open(t, running, opts(t, nil))
	put(t, x, entries(orders, 2000, 3000)...)
	files, err := os.ReadDir(filepath.Join(running, badgerDir))
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, f := range files {
		switch ext := filepath.Ext(f.Name()); {
		case ext == ".sst":
			tables++
		case ext == ".mem", f.Name() == "MANIFEST":
		default: // holds nothing of ours; TestOpenDamaged has them
			continue
		}
		for name, harm := range map[string]func(string) error{"flipped": flipByte, "cut": cutHalf, "missing": os.Remove} {
			t.Run(f.Name()+" "+name, func(t *testing.T) {
				dir := snapshot(t, running)
				if err := harm(filepath.Join(dir, badgerDir, f.Name())); err != nil {
					t.Fatal(err)
				}
				first, firstErr := useInProcess(dir)
				if second, err := useInProcess(dir); err != nil {
					t.Fatalf("the index never works again: %v\n%s\nat first: %v\n%s", err, second, firstErr, first)
				}
			})
		}
	}
	if tables == 0 {
		t.Fatal("no table was written")
	}
}

// snapshot copies what a kill would leave at this moment.
func snapshot(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "index")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func useInProcess(dir string) ([]byte, error) {
	cmd := exec.Command(os.Args[0], "-test.run", "^TestDamagedAfterKill$")
	cmd.Env = append(os.Environ(), useEnv+"="+dir)
	return cmd.CombinedOutput()
}

// useAll reads all and writes. Damage that is met only here must stop the
// index; nothing else may happen.
func useAll(t *testing.T, dir string) {
	x := open(t, dir, opts(t, nil))
	for n := range 3000 {
		e := entry(orders, n)
		got, err := x.Get(t.Context(), e.Range)
		switch {
		case errors.Is(err, ErrDamaged):
			return
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			t.Fatal(err)
		case got.Digest != e.Digest:
			t.Fatalf("segment %d is another one", n)
		}
	}
	put(t, x, entry(orders, 1))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}
