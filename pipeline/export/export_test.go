package export

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// Rows 29 and 30: whatever bytes and times records have, every format gives
// them back, record for record, at moments inside batches too.
func TestRow29And30EveryFormatGivesEveryRecordBack(t *testing.T) {
	for _, format := range Formats() {
		for seed := range uint64(2) {
			l := newLedger(t, seed)
			for _, to := range []int64{-1, now, now + 1, year2200} {
				t.Run(fmt.Sprintf("%s/%d/%d", format, seed, to), func(t *testing.T) {
					dir := filepath.Join(t.TempDir(), "new", "dir")
					r, err := Run(t.Context(), l.plan(to), l.source(), Options{Dir: dir, Format: format, FileBytes: 2000})
					if err != nil {
						t.Fatal(err)
					}
					if r.files() < 4 && to == year2200 && format != Parquet {
						t.Errorf("files were not rolled: %d", r.files())
					}
					same(t, readExport(t, dir), l.want(to))
				})
			}
		}
	}
}

func TestStreamsAreInPartitionOrder(t *testing.T) {
	l := newLedger(t, 7)
	for format, read := range map[Format]func(testing.TB, []byte) []entry{JSONLines: readJSON, CSV: readCSV} {
		var out bytes.Buffer
		var last restore.Progress
		r, err := Run(t.Context(), l.plan(now), l.source(), Options{Writer: &out, Format: format, Progress: func(p restore.Progress) { last = p }})
		if err != nil {
			t.Fatal(err)
		}
		want := l.want(now)
		same(t, read(t, out.Bytes()), want)
		if r.Bytes != int64(out.Len()) || r.Records != int64(len(want)) || last.Records != r.Records || last.Done != 3 || last.Bytes != r.Bytes {
			t.Errorf("%s: %d bytes, result %+v, progress %+v", format, out.Len(), r, last)
		}
		if n := bytes.Count(out.Bytes(), []byte(csvHeader)); format == CSV && n != 1 {
			t.Errorf("the header line is there %d times", n)
		}
	}
}

// Row 65: content that is made to look like a line of the file is escaped.
func TestRow65ContentCannotForgeALine(t *testing.T) {
	forged := "x\"}\r\n{\"topic\":\"old.orders\"}\nold.orders,0,1,create,1,null,,null,,text,forged\r\n"
	for _, format := range []Format{JSONLines, CSV} {
		l := newLedger(t, 1)
		l.entries = nil
		l.put(5, 0, batchSpec{records: []recordbatch.Record{{Key: []byte(forged), Value: []byte(strings.ReplaceAll(forged, "\r", ""))}}})
		var out bytes.Buffer
		p := l.planFor(restore.Request{To: time.UnixMilli(now), Topics: map[string]string{"orders": "old.orders"}, Partitions: []int32{5}, AllowIncomplete: true})
		if _, err := Run(t.Context(), p, l.source(), Options{Writer: &out, Format: format}); err != nil {
			t.Fatal(err)
		}
		read := map[Format]func(testing.TB, []byte) []entry{JSONLines: readJSON, CSV: readCSV}[format]
		same(t, read(t, out.Bytes()), l.entries)
	}
}

// Row 66: what the plan refuses is refused before anything is written.
func TestRow66RefusedBeforeAnythingIsWritten(t *testing.T) {
	l := newLedger(t, 2)
	dir := filepath.Join(t.TempDir(), "out")
	_, err := Run(t.Context(), l.plan(-2), l.source(), Options{Dir: dir, Format: JSONLines})
	var refused *restore.RefusedError
	if !errors.As(err, &refused) || refused.Refusals[0].Cause != restore.CauseEmpty {
		t.Errorf("a moment before the first record: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	l := newLedger(t, 3)
	for what, o := range map[string]Options{
		"no format":           {Dir: "x"},
		"nowhere":             {Format: CSV},
		"both":                {Format: CSV, Dir: "x", Writer: new(bytes.Buffer)},
		"parquet as a stream": {Format: Parquet, Writer: new(bytes.Buffer)},
		"a log as a stream":   {Format: Log, Writer: new(bytes.Buffer)},
	} {
		if _, err := Run(t.Context(), l.plan(now), l.source(), o); err == nil || !strings.Contains(err.Error(), "want") && !strings.Contains(err.Error(), "name a directory") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := ParseFormat("xml"); err == nil || !strings.Contains(err.Error(), "jsonl csv parquet log") {
		t.Errorf("an unknown format: %v", err)
	}
	if f, err := ParseFormat("CSV"); f != CSV || err != nil {
		t.Errorf("CSV: %v, %v", f, err)
	}
}

// A file of a log holds offsets that its index can hold: within 32 bits of the
// first.
func TestLogRollsWhereTheIndexEnds(t *testing.T) {
	l := newLedger(t, 4)
	l.entries = nil
	far := int64(3) << 31
	at := func(offset int64) batchSpec {
		return batchSpec{options: recordbatch.Options{BaseOffset: offset}, records: []recordbatch.Record{{Offset: offset, Timestamp: 1}}}
	}
	l.put(6, 0, at(0), at(1), at(far), at(far+1))
	p := l.planFor(restore.Request{To: time.UnixMilli(now), Topics: map[string]string{"orders": "old.orders"}, Partitions: []int32{6}, AllowIncomplete: true})
	dir := t.TempDir()
	r, err := Run(t.Context(), p, l.source(), Options{Dir: dir, Format: Log})
	if err != nil {
		t.Fatal(err)
	}
	if names := r.Partitions[0].Files; len(names) != 2 || names[1].Name != fmt.Sprintf("old.orders-6/%020d.log", far) {
		t.Errorf("files %+v", names)
	}
	same(t, readExport(t, dir), l.entries)
}

// Of a compacted batch the broker needs its base offset in the file's name, and
// the manifest says what is in it.
func TestLogOfACompactedBatch(t *testing.T) {
	l := newLedger(t, 5)
	l.entries = nil
	l.put(6, 100, batchSpec{options: recordbatch.Options{BaseOffset: 100, LeaderEpoch: 4}, records: []recordbatch.Record{{Offset: 103, Timestamp: 1}, {Offset: 107, Timestamp: 2}}})
	p := l.planFor(restore.Request{To: time.UnixMilli(now), Topics: map[string]string{"orders": "old.orders"}, Partitions: []int32{6}, AllowIncomplete: true})
	dir := t.TempDir()
	r, err := Run(t.Context(), p, l.source(), Options{Dir: dir, Format: Log})
	if err != nil {
		t.Fatal(err)
	}
	if f := r.Partitions[0].Files[0]; f.Name != "old.orders-6/00000000000000000100.log" || f.FirstOffset != 103 || f.LastOffset != 107 {
		t.Errorf("file %+v", f)
	}
	same(t, readExport(t, dir), l.entries)
}
