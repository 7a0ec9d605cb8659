package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

const rolled = 1500 // bytes of a file in these tests: several a partition

// failing is a source that breaks off after some pieces, as a crash would.
type failing struct {
	restore.Source
	left *int
}

var errBroken = errors.New("broken off")

func (f failing) Read(ctx context.Context, p names.Partition, from, next int64, skip func(segment.BlockInfo) bool) iter.Seq2[restore.Piece, error] {
	return func(yield func(restore.Piece, error) bool) {
		for piece, err := range f.Source.Read(ctx, p, from, next, skip) {
			if *f.left--; *f.left < 0 {
				yield(nil, errBroken)
				return
			}
			if !yield(piece, err) {
				return
			}
		}
	}
}

// An export that breaks off after any number of batches goes on, and ends with
// the same records.
func TestResumesWhereverItBrokeOff(t *testing.T) {
	l := newLedger(t, 11)
	want := l.want(now + 1)
	for _, format := range Formats() {
		kept := 0
		for n := 1; n < 36; n += 5 {
			dir, left := t.TempDir(), n
			o := Options{Dir: dir, Format: format, FileBytes: rolled, Parallel: 1}
			if _, err := Run(t.Context(), l.plan(now+1), failing{l.source(), &left}, o); !errors.Is(err, errBroken) {
				t.Fatalf("%s, broken off after %d batches: %v", format, n, err)
			}
			noParts(t, dir)
			before := written(t, dir)
			r, err := Run(t.Context(), l.plan(now+1), l.source(), o)
			if err != nil {
				t.Fatal(err)
			}
			same(t, readExport(t, dir), want)
			if kept += r.Kept; r.Kept != len(before) {
				t.Errorf("%s: %d files were finished, %d kept", format, len(before), r.Kept)
			}
			untouched(t, before, written(t, dir))
		}
		if kept == 0 {
			t.Errorf("%s: nothing was ever kept, so nothing is proven", format)
		}
	}
}

func noParts(t testing.TB, dir string) {
	t.Helper()
	if parts, _ := filepath.Glob(filepath.Join(dir, "*", "*"+partSuffix)); len(parts) > 0 {
		t.Errorf("left behind: %v", parts)
	}
}

// written tells when each finished file was.
func written(t testing.TB, dir string) map[string]time.Time {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]time.Time{}
	for _, name := range found {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		at[name] = info.ModTime()
	}
	return at
}

func untouched(t testing.TB, before, after map[string]time.Time) {
	t.Helper()
	for name, at := range before {
		if !after[name].Equal(at) {
			t.Errorf("%s was written again", name)
		}
	}
}

// Ctrl-C: the files that are finished stay, and nothing else does.
func TestResumesAfterItWasCancelled(t *testing.T) {
	l := newLedger(t, 12)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Dir: dir, Format: CSV, FileBytes: rolled, Parallel: 2, Progress: func(p restore.Progress) {
		if p.Records > 100 {
			cancel()
		}
	}}
	if _, err := Run(ctx, l.plan(now+1), l.source(), o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	noParts(t, dir)
	o.Progress = nil
	if _, err := Run(t.Context(), l.plan(now+1), l.source(), o); err != nil {
		t.Fatal(err)
	}
	same(t, readExport(t, dir), l.want(now+1))
}

// interrupted leaves an unfinished export of CSV with some files, and tells how
// to finish it.
func interrupted(t *testing.T) (l *ledger, o Options, files []string) {
	t.Helper()
	l = newLedger(t, 13)
	left := 30
	o = Options{Dir: t.TempDir(), Format: CSV, FileBytes: rolled, Parallel: 1}
	if _, err := Run(t.Context(), l.plan(now+1), failing{l.source(), &left}, o); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(o.Dir, "old.orders-0", "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	return l, o, files
}

// What a crash may leave beside the journal is thrown away; what it names and is
// not as it was is written again.
func TestResumesOnlyWithWhatIsWhole(t *testing.T) {
	for what, harm := range map[string]func(t *testing.T, o Options, files []string){
		"a file cut short": func(t *testing.T, _ Options, files []string) { must(t, os.Truncate(files[0], 100)) },
		"a file changed": func(t *testing.T, _ Options, files []string) {
			b, err := os.ReadFile(files[1])
			b[len(b)/2] ^= 1
			must(t, errors.Join(err, os.WriteFile(files[1], b, 0o600)))
		},
		"a file gone": func(t *testing.T, _ Options, files []string) { must(t, os.Remove(files[0])) },
		"a file half written": func(t *testing.T, o Options, _ []string) {
			must(t, os.WriteFile(filepath.Join(o.Dir, "old.orders-1", "00000000000000009999.csv.part"), []byte("half"), 0o600))
		},
		"a file not noted": func(t *testing.T, o Options, _ []string) {
			must(t, os.WriteFile(filepath.Join(o.Dir, "old.orders-1", "00000000000000009999.csv"), []byte("whole"), 0o600))
		},
		"a note cut short": func(t *testing.T, o Options, _ []string) {
			name := filepath.Join(o.Dir, journalName)
			b, err := os.ReadFile(name)
			must(t, errors.Join(err, os.WriteFile(name, append(b, `{"into":"old.ord`...), 0o600)))
		},
	} {
		t.Run(what, func(t *testing.T) {
			l, o, files := interrupted(t)
			harm(t, o, files)
			if _, err := Run(t.Context(), l.plan(now+1), l.source(), o); err != nil {
				t.Fatal(err)
			}
			same(t, readExport(t, o.Dir), l.want(now+1))
			if found, _ := filepath.Glob(filepath.Join(o.Dir, "*", "*9999*")); len(found) > 0 {
				t.Errorf("left: %v", found)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A directory that holds anything else is not touched.
func TestADirectoryInUseIsRefused(t *testing.T) {
	for what, test := range map[string]struct {
		prepare func(t *testing.T, l *ledger, o *Options)
		says    string
	}{
		"not empty": {func(t *testing.T, _ *ledger, o *Options) {
			must(t, os.WriteFile(filepath.Join(o.Dir, "thesis.txt"), nil, 0o600))
		}, "thesis.txt"},
		"another moment, unfinished": {func(t *testing.T, l *ledger, o *Options) {
			left := 9
			_, err := Run(t.Context(), l.plan(now), failing{l.source(), &left}, *o)
			if !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
		}, "another request"},
		"another format, unfinished": {func(t *testing.T, l *ledger, o *Options) {
			left := 9
			_, err := Run(t.Context(), l.plan(now+1), failing{l.source(), &left}, Options{Dir: o.Dir, Format: CSV})
			if !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
		}, "another request or format"},
		"another moment, complete": {func(t *testing.T, l *ledger, o *Options) {
			_, err := Run(t.Context(), l.plan(now), l.source(), *o)
			must(t, err)
		}, "another request"},
		"complete, and changed since": {func(t *testing.T, l *ledger, o *Options) {
			r, err := Run(t.Context(), l.plan(now+1), l.source(), *o)
			must(t, err)
			must(t, os.Truncate(filepath.Join(o.Dir, r.Partitions[1].Files[0].Name), 5))
		}, "is not what was written"},
		"something else beside an unfinished one": {func(t *testing.T, l *ledger, o *Options) {
			left := 9
			if _, err := Run(t.Context(), l.plan(now+1), failing{l.source(), &left}, *o); !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
			must(t, os.WriteFile(filepath.Join(o.Dir, "old.orders-0", "thesis.txt"), nil, 0o600))
		}, "thesis.txt"},
		"another export at work": {func(t *testing.T, _ *ledger, o *Options) {
			lock, err := lockDir(o.Dir)
			must(t, err)
			t.Cleanup(func() { lock.Close() })
		}, "another export writes"},
	} {
		t.Run(what, func(t *testing.T) {
			l := newLedger(t, 14)
			o := Options{Dir: t.TempDir(), Format: JSONLines, Parallel: 1}
			test.prepare(t, l, &o)
			before := everything(t, o.Dir)
			_, err := Run(t.Context(), l.plan(now+1), l.source(), o)
			var inUse *InUseError
			if !errors.As(err, &inUse) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want an InUseError that says %q", err, test.says)
			}
			if after := everything(t, o.Dir); after != before {
				t.Errorf("the directory was\n%s, is\n%s", before, after)
			}
		})
	}
}

// everything lists a directory with its contents.
func everything(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", path, content)
		return err
	}))
	return b.String()
}

func TestACompleteExportIsDone(t *testing.T) {
	l := newLedger(t, 15)
	o := Options{Dir: t.TempDir(), Format: Parquet}
	first, err := Run(t.Context(), l.plan(now), l.source(), o)
	must(t, err)
	left := 0 // nothing is read
	again, err := Run(t.Context(), l.plan(now), failing{l.source(), &left}, o)
	if err != nil || again.Records != first.Records || again.Kept != first.files() || again.Plan != first.Plan {
		t.Errorf("%+v, %v", again, err)
	}
}

// fullDisk takes so many bytes.
type fullDisk struct {
	sink
	left *int
}

func (f fullDisk) Write(p []byte) (int, error) {
	if *f.left -= len(p); *f.left < 0 {
		return 0, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	return f.sink.Write(p)
}

// A full disk is an error that says how much is missing, and the next run goes
// on.
func TestAFullDiskSaysWhatIsMissing(t *testing.T) {
	l := newLedger(t, 16)
	o := Options{Dir: t.TempDir(), Format: CSV, FileBytes: rolled, Parallel: 1}.withDefaults()
	f, err := openFolder(t.Context(), o.Dir, l.plan(now+1), o.Format)
	must(t, err)
	left := 9000
	f.create = func(name string) (sink, error) {
		file, err := createFile(name)
		return fullDisk{file, &left}, err
	}
	x := &execution{folder: f, source: l.source(), options: o}
	_, err = x.run(t.Context())
	var full *FullError
	if !errors.As(err, &full) || full.Free <= 0 || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "make room") {
		t.Fatalf("%v", err)
	}
	if need := x.needed(); need < 2000 || need > 60_000 {
		t.Errorf("%d bytes are needed after %+v", need, x.progress)
	}
	must(t, f.close())
	noParts(t, o.Dir)
	r, err := Run(t.Context(), l.plan(now+1), l.source(), o)
	if err != nil || r.Kept == 0 {
		t.Fatalf("kept %d, %v", r.Kept, err)
	}
	same(t, readExport(t, o.Dir), l.want(now+1))
}

func TestKeepsToTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		o := &output{ctx: t.Context(), w: io.Discard, limiter: newLimiter(1 << 20)}
		for range 5 {
			if _, err := o.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("5 MiB at 1 MiB/s took %s", took)
		}
	})
}

// A resumed export brings what the plan says that it began with, whatever was
// archived since: partitions that are done must not be of another moment than
// those that are not.
func TestResumesThePlanThatItBeganWith(t *testing.T) {
	l, o, _ := interrupted(t)
	want, began := l.want(now+1), l.plan(now+1)
	l.put(2, 9000, batchSpec{options: recordbatch.Options{BaseOffset: 9000}, records: []recordbatch.Record{{Offset: 9000, Timestamp: 1, Value: []byte("archived since")}}})
	if later := l.plan(now + 1); later.Digest == began.Digest {
		t.Fatal("the new plan is the old one, so nothing is proven")
	}
	r, err := Run(t.Context(), l.plan(now+1), l.source(), o)
	if err != nil || r.Plan != began.Digest {
		t.Fatalf("plan %s, want %s, %v", r.Plan, began.Digest, err)
	}
	same(t, readExport(t, o.Dir), want)
}
