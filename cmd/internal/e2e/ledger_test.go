package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/events"
)

// transfer is a committed transaction: the offsets of its records, by partition, and who wrote it.
type transfer struct {
	offsets  map[events.Place][]int64
	producer int64
}

// transferred notes a committed transaction.
func (l *load) transferred(written []*kgo.Record) {
	if len(written) == 0 {
		return
	}
	t := transfer{offsets: map[events.Place][]int64{}, producer: written[0].ProducerID}
	for _, r := range written {
		at := events.Place{Topic: r.Topic, Partition: r.Partition}
		t.offsets[at] = append(t.offsets[at], r.Offset)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transfers = append(l.transfers, t)
}

// oddTime moves some records to other times: a second or an hour off, the very first moment, none at all, and the year 2200.
func (s *source) oddTime(at time.Time) time.Time {
	switch n := s.rnd.IntN(100); {
	case n < 10:
		return at.Add(time.Duration(s.rnd.IntN(2000)-1000) * time.Millisecond)
	case n < 13:
		return at.Add(-time.Duration(s.rnd.IntN(3600)) * time.Second)
	case n < 14:
		return time.UnixMilli(0)
	case n < 15:
		return time.UnixMilli(-1)
	case n < 17:
		return time.Date(2200, 1, 1, 0, 0, s.rnd.IntN(60), 0, time.UTC)
	}
	return at
}

// marker is a commit marker as a consumer sees it that keeps them.
type marker struct {
	offset, producer int64
	at               int64 // ms
}

// markers reads the commit markers of topics with franz-go's own consumer.
func (w *world) markers(t *testing.T, topics []string) map[events.Place][]marker {
	t.Helper()
	all := map[events.Place][]marker{}
	for _, topic := range topics {
		w.readLog(t, topic, func(r *kgo.Record) {
			if r.Attrs.IsControl() && len(r.Key) == 4 && r.Key[3] == 1 { // version and type: 1 is commit
				at := events.Place{Topic: topic, Partition: r.Partition}
				all[at] = append(all[at], marker{r.Offset, r.ProducerID, r.Timestamp.UnixMilli()})
			}
		})
	}
	return all
}

// decisions tell for the records of transactions when the last commit marker of their transaction was written (ms).
func decisions(t *testing.T, transfers []transfer, markers map[events.Place][]marker) map[events.Place]map[int64]int64 {
	t.Helper()
	all := map[events.Place]map[int64]int64{}
	for _, one := range transfers {
		var last int64
		for at, offsets := range one.offsets {
			behind := slices.Max(offsets)
			i := slices.IndexFunc(markers[at], func(m marker) bool { return m.offset > behind && m.producer == one.producer })
			if i < 0 {
				t.Fatalf("no marker of the transaction that wrote %s offset %d", at, behind)
			}
			last = max(last, markers[at][i].at)
		}
		for at, offsets := range one.offsets {
			if all[at] == nil {
				all[at] = map[int64]int64{}
			}
			for _, o := range offsets {
				all[at][o] = last
			}
		}
	}
	return all
}

// cutAt is one restore: its flags, and the records that should come of it.
type cutAt struct {
	name  string
	flags []string
	keep  func(at events.Place, offset int64, timestamp int64) bool
}

// ledgerMoments is how many moments each cut is tried at; TIDEMARK_E2E_MOMENTS overrides it.
const ledgerMoments = 4

// testLedger: three topics with transactions across them, odd times and partitions that are added, brought back at moments
// by chance under every cut, and compared record by record with what was acknowledged.
func testLedger(t *testing.T, w *world) {
	l := w.newLoad(t, "ledger.", 3)
	l.odd = true
	for _, topic := range l.topics() {
		w.alter(t, topic, "message.timestamp.after.max.ms", strconv.FormatInt(1<<62, 10))
	}
	a := w.newArchive(t, "ledger", `~ledger\..*`)
	l.start(t, 3000, idempotent, transactional)
	begin := time.Now()
	l.await(t, 60_000)
	l.stop(t)
	end := time.Now()
	a.catchUp(t)
	for _, c := range l.cuts(t, begin, end) {
		t.Run(c.name, func(t *testing.T) { a.compareCut(t, l, c) })
	}
}

// cuts are restores at moments by chance between two others.
func (l *load) cuts(t *testing.T, begin, end time.Time) []cutAt {
	t.Helper()
	decided := decisions(t, l.transfers, l.w.markers(t, l.topics()))
	if len(decided) == 0 {
		t.Fatal("no transaction was committed")
	}
	moments := ledgerMoments
	if text := os.Getenv("TIDEMARK_E2E_MOMENTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("TIDEMARK_E2E_MOMENTS: %v", err)
		}
		moments = n
	}
	rnd := l.w.random(77)
	var all []cutAt
	for i := range moments {
		at := begin.Add(time.Duration(rnd.Int64N(int64(end.Sub(begin)))))
		to, text := at.UnixMilli(), at.UTC().Format(time.RFC3339Nano)
		ends := l.someOffsets(rnd.Int64N)
		all = append(all,
			cutAt{fmt.Sprintf("time-%d", i), []string{"--to", text},
				func(_ events.Place, _, timestamp int64) bool { return timestamp <= to }},
			cutAt{fmt.Sprintf("transactions-%d", i), []string{"--to", text, "--cut", "transactions"},
				func(at events.Place, offset, timestamp int64) bool {
					if when, ok := decided[at][offset]; ok {
						return when <= to
					}
					return timestamp <= to
				}},
			cutAt{fmt.Sprintf("offsets-%d", i), []string{"--offsets", offsetsFile(t, ends)},
				func(at events.Place, offset, _ int64) bool { return offset < ends[at] }})
	}
	return all
}

// someOffsets chooses an end for every partition.
func (l *load) someOffsets(below func(int64) int64) map[events.Place]int64 {
	ends := map[events.Place]int64{}
	for _, at := range l.ledger.Places() {
		ends[at] = below(l.ledger.End(at)) + 1
	}
	return ends
}

// offsetsFile writes what --offsets reads.
func offsetsFile(t *testing.T, ends map[events.Place]int64) string {
	t.Helper()
	doc := map[string]map[string]int64{}
	for at, end := range ends {
		if doc[at.Topic] == nil {
			doc[at.Topic] = map[string]int64{}
		}
		doc[at.Topic][strconv.Itoa(int(at.Partition))] = end
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "offsets.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// compareCut brings all topics back under names of the cut's own and compares what a consumer sees there.
func (a *archive) compareCut(t *testing.T, l *load, c cutAt) {
	t.Helper()
	args := slices.Clone(c.flags)
	into := map[string]string{}
	for _, topic := range l.topics() {
		into[topic] = topic + "." + c.name
		args = append(args, "--topic", topic+"="+into[topic])
	}
	a.must(t, "restore", args...)
	for _, topic := range slices.Sorted(maps.Keys(into)) {
		a.w.compareChosen(t, l.ledger, topic, into[topic], c.keep)
	}
}

// compareChosen compares a restored topic with the records of the ledger that were to come.
func (w *world) compareChosen(t *testing.T, l *events.Ledger, from, into string, keep func(events.Place, int64, int64) bool) {
	t.Helper()
	checks := map[int32]*events.OrderCheck{}
	check := func(p int32) *events.OrderCheck {
		if checks[p] == nil {
			at := events.Place{Topic: from, Partition: p}
			checks[p] = l.CheckChosen(at, func(offset int64, e events.Entry) bool { return keep(at, offset, e.Timestamp) })
		}
		return checks[p]
	}
	for _, at := range l.Places() {
		if at.Topic == from {
			check(at.Partition)
		}
	}
	w.readTopic(t, into, func(r *kgo.Record) { check(r.Partition).Take(plain(r)) })
	var all events.Findings
	for _, c := range checks {
		all.Add(c.Finish())
	}
	expectClean(t, "restored "+from+" into "+into, all)
}
