//go:build linux || darwin || freebsd

package index

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFull: Badger's files stay within their bound, a full index takes nothing,
// and one that was cleared goes on.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	o := opts(t, nil)
	o.MaxSize = 128 << 20
	x := open(t, dir, o)
	cleared := 0
	big := make([]byte, 100<<10) // of random bytes, for Snappy is at work
	fill(big)
	for n := range 900 {
		e := entry(orders, n)
		e.Blocks = big
		x.unmeasured = measureEvery // look every time: entries are not this large
		err := x.Put(t.Context(), e)
		if errors.Is(err, ErrFull) {
			cleared++
			if _, err := x.Get(t.Context(), e.Range); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("a full index took an entry: %v", err)
			}
			if err := x.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			err = x.Put(t.Context(), e)
		}
		if err != nil {
			t.Fatal(err)
		}
		if size := sizeOf(t, dir); size > o.MaxSize {
			t.Fatalf("%d MiB after %d entries", size>>20, n+1)
		}
	}
	if got := bases(t, x, orders, 8_990); cleared == 0 || len(got) != 1 {
		t.Errorf("cleared %d times, the last entry is there %d times", cleared, len(got))
	}
}

func fill(b []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// sizeOf is what the files of a directory take of the disk, in bytes.
func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		info, err := d.Info()
		if err == nil {
			size += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return gone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}
