package index

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
)

func openEnds(t testing.TB, path string, maxSize int64) *Ends {
	t.Helper()
	x, err := OpenEnds(path, testArchive, EndsOptions{MaxSize: maxSize})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// endOf is the end that tests keep for a segment.
func endOf(name names.Range, length int) []byte {
	r := rand.New(rand.NewPCG(uint64(name.Base), 7))
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// has counts the ends that an index gives back, each compared with what was
// kept.
func has(t *testing.T, x *Ends, p names.Partition, length int) int {
	t.Helper()
	n := 0
	for name, size := range x.Segments(p) {
		end, whole := x.End(name)
		if end == nil {
			continue
		}
		if !bytes.Equal(end, endOf(name, length)) || size != name.Next*1000 || whole != size {
			t.Errorf("%s: another end than was kept, of an object of %d bytes", name, size)
		}
		n++
	}
	return n
}

func keepEnds(x *Ends, p names.Partition, from, to, length int) {
	for _, e := range entries(p, from, to) {
		x.Keep(e.Range, endOf(e.Range, length), e.Range.Next*1000)
	}
}

// TestEnds keeps ends of several partitions and reads them from another
// process's point of view, while the writer is still open.
func TestEnds(t *testing.T) {
	dir := t.TempDir()
	writer, reader := openEnds(t, dir, 1<<30), openEnds(t, dir, 1<<30)
	other := orders
	other.Number = 11
	keepEnds(writer, orders, 0, 300, 1000)
	keepEnds(writer, other, 0, 5, 1000)
	if a, b := has(t, reader, orders, 1000), has(t, reader, other, 1000); a != 300 || b != 5 {
		t.Fatalf("%d and %d ends", a, b)
	}
	keepEnds(reader, orders, 300, 310, 1000) // both write
	keepEnds(writer, orders, 310, 320, 1000)
	if n := has(t, openEnds(t, dir, 1<<30), orders, 1000); n != 320 {
		t.Fatalf("%d ends after both wrote", n)
	}
	if end, _ := reader.End(entry(orders, 999).Range); end != nil {
		t.Fatal("an end that was never kept")
	}
	if _, err := OpenEnds(dir, names.ArchiveID{9}, EndsOptions{MaxSize: 1 << 30}); !errors.Is(err, ErrOtherArchive) {
		t.Fatalf("another archive's: %v", err)
	}
	if _, err := OpenEnds(filepath.Dir(endsFilesUnder(t, dir)[0]), testArchive, EndsOptions{MaxSize: 1 << 30}); !errors.Is(err, ErrForeign) {
		t.Fatalf("a directory of something else: %v", err)
	}
}

// TestEndsTogether: writers at once lose nothing and mix nothing up.
func TestEndsTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 4 {
		x := openEnds(t, dir, 1<<30)
		wg.Go(func() { keepEnds(x, orders, 50*w, 50*w+50, 3000) })
	}
	wg.Wait()
	if n := has(t, openEnds(t, dir, 1<<30), orders, 3000); n != 200 {
		t.Fatalf("%d ends", n)
	}
}

func endsFilesUnder(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, endsSuffix) {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEndsDamaged flips a byte here and there: what comes back is right or is
// not there, and other records are still found.
func TestEndsDamaged(t *testing.T) {
	dir := t.TempDir()
	keepEnds(openEnds(t, dir, 1<<30), orders, 0, 20, 500)
	file := endsFilesUnder(t, dir)[0]
	sound, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	record := endHead + 500
	for at := 0; at < len(sound); at += 37 {
		harmed := slices.Clone(sound)
		harmed[at] ^= 4
		if err := os.WriteFile(file, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		n, want := has(t, openEnds(t, dir, 1<<30), orders, 500), 19
		if at%record < endHead {
			want = at / record // nothing is known of what is behind a damaged head
		}
		if n != want {
			t.Fatalf("byte %d: %d ends, want %d", at, n, want)
		}
	}
}

// TestEndsTorn: a record that a crash left half written is cut off by the next
// writer, and one that is being written is not there yet.
func TestEndsTorn(t *testing.T) {
	dir := t.TempDir()
	keepEnds(openEnds(t, dir, 1<<30), orders, 0, 3, 500)
	file := endsFilesUnder(t, dir)[0]
	if err := os.Truncate(file, 3*int64(endHead+500)-1); err != nil {
		t.Fatal(err)
	}
	if n := has(t, openEnds(t, dir, 1<<30), orders, 500); n != 2 {
		t.Fatalf("%d ends of a torn file", n)
	}
	keepEnds(openEnds(t, dir, 1<<30), orders, 3, 6, 500)
	if n := has(t, openEnds(t, dir, 1<<30), orders, 500); n != 5 {
		t.Fatalf("%d ends after the next writer", n)
	}
}

// TestEndsBound: the files never take more than they may, the newest ends stay,
// and processes that write little each trim, too.
func TestEndsBound(t *testing.T) {
	dir, limit := t.TempDir(), int64(4<<20)
	x := openEnds(t, dir, limit)
	for n := range 400 {
		if n%2 == 0 { // what one process writes is too little for a trim of its own
			x = openEnds(t, dir, limit)
		}
		keepEnds(x, orders, n, n+1, 40_000)
		var total int64
		for _, f := range endsFilesUnder(t, dir) {
			info, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			total += info.Size()
		}
		if total > limit {
			t.Fatalf("%d bytes after %d ends, at most %d are allowed", total, n+1, limit)
		}
	}
	left := has(t, openEnds(t, dir, limit), orders, 40_000)
	if left < 60 || left > 100 {
		t.Errorf("%d ends are left of 400 of 40 kB in 4 MiB", left)
	}
	if end, _ := x.End(entry(orders, 399).Range); end == nil {
		t.Error("the newest end is gone")
	}
	if end, _ := x.End(entry(orders, 0).Range); end != nil {
		t.Error("the oldest end is still there")
	}
}

// TestEndsFullDisk: a disk that is nearly full is left alone.
func TestEndsFullDisk(t *testing.T) {
	x, err := OpenEnds(t.TempDir(), testArchive, EndsOptions{
		MaxSize: 1 << 30, Free: func(string) (int64, error) { return headroom - 1, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	keepEnds(x, orders, 0, 1, 100)
	if n := has(t, x, orders, 100); n != 0 {
		t.Errorf("%d ends on a full disk", n)
	}
}

// BenchmarkKeepEnd keeps the end of a segment of 335,000 records.
func BenchmarkKeepEnd(b *testing.B) {
	x := openEnds(b, b.TempDir(), 1<<30)
	end := endOf(entry(orders, 1).Range, 435_000)
	b.SetBytes(int64(len(end)))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		x.Keep(entry(orders, n).Range, end, 16<<20)
	}
}

// BenchmarkShelf opens a partition with 156,250 segments, of 10 million in 64
// partitions.
func BenchmarkShelf(b *testing.B) {
	dir := b.TempDir()
	x := openEnds(b, dir, 8<<30)
	x.rotate = maxEndsFile
	end := make([]byte, 600)
	for n := range 156_250 {
		if err := x.append(x.folder(orders), encodeEndHead(entry(orders, n).Range, end, 1<<20), end); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range x.Segments(orders) {
			n++
		}
		if n != 156_250 {
			b.Fatal(n)
		}
	}
}
