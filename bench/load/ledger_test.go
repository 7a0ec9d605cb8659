package load

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/names"
)

var start = time.UnixMilli(1_790_000_000_000)

// second is a moment some seconds after the start.
func second(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }

// sampleLedger has a batch of 10 events each second in partition 0, the third one
// aborted and the fourth noted before it, and a marker after it.
func sampleLedger() *Ledger {
	l := NewLedger(Facts{
		Topic: "t", TopicID: names.TopicID{1}, Workload: report.Workload{Partitions: 2},
		Needles: []Needle{{Key: "k", Partition: 1, Events: 5}}, Result: Result{Events: 30, Started: start.UTC()},
	})
	l.Note(0, NewBatch(0, 11, 10, false), second(0))
	l.Note(0, NewBatch(10, 12, 10, false), second(1))
	l.Note(0, NewBatch(31, 14, 10, false), second(3))
	l.Note(0, NewBatch(20, 13, 10, true), second(2))
	return l
}

func TestLedger(t *testing.T) {
	l := sampleLedger()
	if l.Events() != 30 || l.End(0) != 41 || l.End(1) != 0 {
		t.Errorf("%d events, ends %d and %d", l.Events(), l.End(0), l.End(1))
	}
	for from, want := range map[int64]int64{0: 30, 5: 25, 15: 15, 20: 10, 30: 10, 31: 10, 35: 6, 41: 0, 99: 0} {
		if got := l.Missing(0, from); got != want {
			t.Errorf("from %d on %d events, want %d", from, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	l := sampleLedger()
	for _, c := range []struct {
		next     int64
		at, want float64
	}{
		{0, 5, 5}, {10, 5, 4}, {31, 5, 2}, {40, 5, 2},
		{41, 5, 0},   // all is there
		{10, 0.5, 0}, // what came later was not there yet
		{10, 1.5, 0.5},
	} {
		if got := l.Age(0, c.next, second(c.at)).Seconds(); got < c.want-0.001 || got > c.want+0.101 {
			t.Errorf("held up to %d, after %g s the tail is %g s old, want %g", c.next, c.at, got, c.want)
		}
	}
	if l.Age(1, 0, second(9)) != 0 {
		t.Error("a partition without events has a tail")
	}
}

func TestLedgerFile(t *testing.T) {
	l := sampleLedger()
	name := filepath.Join(t.TempDir(), "ledger")
	must(t, l.Save(name))
	got, err := LoadLedger(name)
	must(t, err)
	if !reflect.DeepEqual(got.Facts, l.Facts) || !reflect.DeepEqual(got.Batches(0), l.Batches(0)) || len(got.Batches(1)) != 0 {
		t.Errorf("%+v\n%+v", got, l)
	}
	if got.Age(0, 10, second(5)) != l.Age(0, 10, second(5)) {
		t.Error("the times are not the same")
	}
	data, err := os.ReadFile(name)
	must(t, err)
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 1
		if _, err := parseLedger(bad); err == nil {
			t.Fatalf("a ledger with byte %d changed was taken", i)
		}
		if _, err := parseLedger(data[:i]); err == nil {
			t.Fatalf("a ledger of %d of %d bytes was taken", i, len(data))
		}
	}
}
