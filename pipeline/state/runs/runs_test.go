package runs_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/state/runs"
)

// join keeps both values, so that their order can be seen.
func join(dst, older, newer []byte) []byte {
	return append(append(append(dst, older...), ','), newer...)
}

func files(t testing.TB, dir string) *runs.Files {
	t.Helper()
	f, err := runs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t testing.TB, s *runs.Sorter, key, value string) {
	t.Helper()
	if err := s.Put([]byte(key), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func all(t testing.TB, sorters ...*runs.Sorter) (keys []string, pairs map[string]string) {
	t.Helper()
	pairs = map[string]string{}
	for p, err := range runs.Merge(join, sorters...) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(p.Key))
		pairs[string(p.Key)] = string(p.Value)
	}
	return keys, pairs
}

// Whatever the memory, the result is that of a map: each key once, in order,
// with its values joined in the order in which they were put.
func TestMergeIsAMap(t *testing.T) {
	for _, memory := range []int{1, 500, 5_000, 100_000, 100 << 20} {
		for seed := range uint64(5) {
			t.Run(fmt.Sprintf("%d bytes, seed %d", memory, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				f := files(t, t.TempDir())
				sorters := []*runs.Sorter{f.NewSorter(memory, join), f.NewSorter(memory, join)}
				want := map[string]string{}
				for i := range min(3_000, 300+memory) {
					n := r.IntN(400)
					key, value := fmt.Sprintf("%d\x00%s", n, strings.Repeat("k", r.IntN(5))), fmt.Sprint(i)
					put(t, sorters[n%2], key, value)
					if had, ok := want[key]; ok {
						value = had + "," + value
					}
					want[key] = value
				}
				for range 2 { // it can be read again
					keys, got := all(t, sorters...)
					if !slices.Equal(keys, slices.Sorted(maps.Keys(want))) {
						t.Fatal("the keys are not those that were put, each once, in order")
					}
					for k, v := range want {
						if got[k] != v {
							t.Fatalf("%q has %q, want %q", k, got[k], v)
						}
					}
				}
				if spilled := sorters[0].Spilled(); (spilled > 0) != (memory < 1<<20) {
					t.Errorf("%d bytes are on disk", spilled)
				}
				for _, s := range sorters {
					s.Close()
				}
			})
		}
	}
}

// What changes often needs room once.
func TestReplacedValuesGiveTheirRoomBack(t *testing.T) {
	s := files(t, t.TempDir()).NewSorter(1<<20, func(dst, _, newer []byte) []byte { return append(dst, newer...) })
	defer s.Close()
	for i := range 20_000 {
		put(t, s, fmt.Sprint(i%100), strings.Repeat("x", i%1_000))
	}
	if n := s.Spilled(); n > 0 {
		t.Errorf("%d bytes went to disk, for 100 rows", n)
	}
	if _, got := all(t, s); len(got) != 100 || len(got["99"]) != 999 {
		t.Errorf("%d keys", len(got))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const memory = 4 << 20
	s := files(t, t.TempDir()).NewSorter(memory, join)
	defer s.Close()
	value := strings.Repeat("v", 1_000)
	for i := range 40_000 { // 40 MB
		put(t, s, fmt.Sprintf("key %d", i), value)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 4*memory {
		t.Errorf("%d bytes are in use, with %d given", m.HeapAlloc, memory)
	}
	n := 0
	for _, err := range runs.Merge(join, s) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 40_000 {
		t.Errorf("%d keys came back", n)
	}
}

// Files have no names, and what is in them cannot be read.
func TestNothingIsLeftOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tables")
	s := files(t, dir).NewSorter(1, join)
	put(t, s, "4111 1111 1111 1111", "card")
	if runtime.GOOS == "linux" {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%v, %v", entries, err)
		}
		for _, fd := range openFiles(t, dir) {
			text, err := os.ReadFile(fd)
			if err != nil || len(text) == 0 || bytes.Contains(text, []byte("4111")) || bytes.Contains(text, []byte("card")) {
				t.Errorf("%s holds %q, %v", fd, text, err)
			}
		}
	}
	s.Close()
	if left := openFiles(t, dir); len(left) > 0 {
		t.Errorf("%v are still open", left)
	}
}

// openFiles are this process' files that were below a directory.
func openFiles(t *testing.T, dir string) []string {
	t.Helper()
	fds, _ := filepath.Glob("/proc/self/fd/*")
	var found []string
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, dir) {
			found = append(found, fd)
		}
	}
	return found
}

func TestNamesOfACrashAreRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"run-123", "run-", "keep"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files(t, dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "keep" {
		t.Errorf("%v, %v", entries, err)
	}
}

// A changed byte is an error, and so is a block in another's place.
func TestDamageIsNoticed(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // the file can only be reached by its descriptor
	}
	dir := t.TempDir()
	s := files(t, dir).NewSorter(1<<20, join)
	defer s.Close()
	for i := range 5_000 {
		put(t, s, fmt.Sprintf("%06d", i), strings.Repeat("v", 1_000))
	}
	fd := openFiles(t, dir)[0]
	f, err := os.OpenFile(fd, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int64{0, 100, 70_000} {
		var b [1]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{b[0] ^ 1}, at); err != nil {
			t.Fatal(err)
		}
		failed := false
		for _, err := range runs.Merge(join, s) {
			failed = failed || err != nil
		}
		if !failed {
			t.Errorf("a changed byte at %d was not noticed", at)
		}
		if _, err := f.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
	}
	if keys, _ := all(t, s); len(keys) != 5_000 {
		t.Errorf("%d keys", len(keys))
	}
	// All blocks hold as many pairs of one size: 65 of 1,009 bytes, sealed.
	const block = 65*(1+6+2+1_000) + 12 + 16
	var two [2 * block]byte
	if _, err := f.ReadAt(two[:], 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(append(bytes.Clone(two[block:]), two[:block]...), 0); err != nil {
		t.Fatal(err)
	}
	for _, err := range runs.Merge(join, s) {
		if err == nil {
			t.Error("blocks that changed places were not noticed")
		}
		break
	}
}

func BenchmarkPut(b *testing.B) {
	s := files(b, b.TempDir()).NewSorter(16<<20, func(dst, _, newer []byte) []byte { return append(dst, newer...) })
	defer s.Close()
	value := []byte(strings.Repeat("v", 200))
	var key []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for i := 0; b.Loop(); i++ {
		key = fmt.Appendf(key[:0], "%016d", i*7919%1_000_003)
		if err := s.Put(key, value); err != nil {
			b.Fatal(err)
		}
	}
}
