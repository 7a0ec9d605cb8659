package export

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// arrowLimit bounds everything done with Python, downloads included.
const arrowLimit = 6 * time.Minute

// TestParquetAsArrowReadsIt: the second implementation of Parquet, which most
// readers build on, sees the same records.
func TestParquetAsArrowReadsIt(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), arrowLimit)
	defer cancel()
	python, err := findArrow(ctx)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Python with pyarrow: %v", err)
		}
		t.Skipf("SKIPPED: Arrow has not read the Parquet files, no Python with pyarrow: %v", err)
	}
	l := newLedger(t, 21)
	dir := t.TempDir()
	r, err := Run(ctx, l.plan(year2200), l.source(), Options{Dir: dir, Format: Parquet})
	if err != nil {
		t.Fatal(err)
	}
	var got []entry
	for _, p := range r.Partitions {
		out, err := exec.CommandContext(ctx, python, "-B", "testdata/read_parquet.py", filepath.Join(dir, p.Files[0].Name)).Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got = append(got, readArrow(t, out)...)
	}
	same(t, got, l.want(year2200))
}

type arrowRecord struct {
	Topic, Type       string
	Partition         int32
	Offset, Timestamp int64
	Key, Value        *string
	Headers           [][2]*string
}

func readArrow(t *testing.T, text []byte) []entry {
	t.Helper()
	var got []entry
	lines := json.NewDecoder(bytes.NewReader(text))
	for lines.More() {
		var r arrowRecord
		if err := lines.Decode(&r); err != nil || r.Topic != "old.orders" {
			t.Fatalf("%+v, %v", r, err)
		}
		e := entry{r.Partition, r.Type, recordbatch.Record{Offset: r.Offset, Timestamp: r.Timestamp, Key: unhex(t, r.Key), Value: unhex(t, r.Value)}}
		for _, h := range r.Headers {
			e.Headers = append(e.Headers, recordbatch.RecordHeader{Key: unhex(t, h[0]), Value: unhex(t, h[1])})
		}
		got = append(got, e)
	}
	return got
}

func unhex(t *testing.T, text *string) []byte {
	t.Helper()
	if text == nil {
		return nil
	}
	b, err := hex.DecodeString(*text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// findArrow returns a Python with pyarrow: the system's, or one in an
// environment of its own in the user's cache, made on first use.
func findArrow(ctx context.Context) (string, error) {
	system, err := exec.LookPath("python3")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "tidemark-arrow-venv")
	own := filepath.Join(dir, "bin", "python3")
	for _, python := range []string{system, own} {
		if hasArrow(ctx, python) {
			return python, nil
		}
	}
	for _, args := range [][]string{
		{system, "-m", "venv", dir},
		{own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pyarrow"},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w: %s", args[1:], err, out)
		}
	}
	if !hasArrow(ctx, own) {
		return "", fmt.Errorf("pyarrow is installed in %s and cannot be imported", dir)
	}
	return own, nil
}

func hasArrow(ctx context.Context, python string) bool {
	return exec.CommandContext(ctx, python, "-c", "import pyarrow.parquet").Run() == nil
}
