package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
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
	keep  keeps
	// files restores into files, which takes far less time than Kafka.
	files bool
}

// keeps says which records a cut brings back.
type keeps func(at events.Place, offset, timestamp int64) bool

// testLedger: three topics with transactions across them, odd times and partitions that are added, brought back at moments
// by chance under every cut, and compared record by record with what was acknowledged.
func testLedger(t *testing.T, w *world) {
	l := w.newLoad(t, "ledger.", 3)
	l.odd = true
	for _, topic := range l.topics() {
		w.alter(t, topic, "message.timestamp.after.max.ms", strconv.FormatInt(1<<62, 10))
	}
	a := w.newArchive(t, "ledger", `~ledger\..*`)
	begin := time.Now()
	l.phase(t, ledgerRecords(t)/2)
	l.grow(t, 4)
	l.phase(t, ledgerRecords(t))
	end := time.Now()
	a.catchUp(t)
	for _, c := range l.cuts(t, begin, end) {
		t.Run(c.name, func(t *testing.T) { a.compareCut(t, l, c) })
	}
}

// phase produces until so many committed records are in the ledger.
func (l *load) phase(t *testing.T, committed int64) {
	t.Helper()
	l.start(t, 3000, idempotent, transactional, transactional)
	l.await(t, committed)
	l.stop(t)
}

// grow gives every topic more partitions.
func (l *load) grow(t *testing.T, partitions int32) {
	t.Helper()
	if _, err := l.w.admin.UpdatePartitions(t.Context(), int(partitions), l.topics()...); err != nil {
		t.Fatal(err)
	}
	l.partitions = partitions
}

// ledgerRecords is how many records are produced.
func ledgerRecords(t *testing.T) int64 {
	return int64(fromEnvironment(t, "TIDEMARK_E2E_RECORDS", 60_000))
}

// fromEnvironment is a number that a longer run sets.
func fromEnvironment(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// cuts are restores at moments by chance between two others.
func (l *load) cuts(t *testing.T, begin, end time.Time) []cutAt {
	t.Helper()
	decided := decisions(t, l.transfers, l.w.markers(t, l.topics()))
	if len(decided) == 0 {
		t.Fatal("no transaction was committed")
	}
	rnd := l.w.random(77)
	var all []cutAt
	for i := range fromEnvironment(t, "TIDEMARK_E2E_MOMENTS", 6) {
		at := begin.Add(time.Duration(rnd.Int64N(int64(end.Sub(begin)))))
		to, text := at.UnixMilli(), at.UTC().Format(time.RFC3339Nano)
		ends := l.someOffsets(rnd.Int64N)
		all = append(all,
			cutAt{name: fmt.Sprintf("time-%d", i), flags: []string{"--to", text}, files: i > 1,
				keep: func(_ events.Place, _, timestamp int64) bool { return timestamp <= to }},
			cutAt{name: fmt.Sprintf("transactions-%d", i), flags: []string{"--to", text, "--cut", "transactions"}, files: i > 1,
				keep: func(at events.Place, offset, timestamp int64) bool {
					if when, ok := decided[at][offset]; ok {
						return when <= to
					}
					return timestamp <= to
				}},
			cutAt{name: fmt.Sprintf("offsets-%d", i), flags: []string{"--offsets", offsetsFile(t, ends)}, files: i > 1,
				keep: func(at events.Place, offset, _ int64) bool { return offset < ends[at] }})
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

// compareCut brings all topics back and compares what came: into topics of the cut's own what a consumer sees there, into
// files their lines.
func (a *archive) compareCut(t *testing.T, l *load, c cutAt) {
	t.Helper()
	args := slices.Clone(c.flags)
	for _, topic := range l.topics() {
		args = append(args, "--topic", topic+"="+topic+"."+c.name)
	}
	dir := t.TempDir()
	if c.files {
		args = append(args, "--to-files", dir)
	}
	a.must(t, "restore", args...)
	for _, topic := range l.topics() {
		came := chosen{ledger: l.ledger, topic: topic, keep: c.keep, checks: map[int32]*events.OrderCheck{}}
		for _, at := range l.ledger.Places() {
			if at.Topic == topic {
				came.check(at.Partition)
			}
		}
		if into := topic + "." + c.name; c.files {
			came.readFiles(t, dir, into)
		} else {
			a.w.readTopic(t, into, func(r *kgo.Record) { came.check(r.Partition).Take(plain(r)) })
		}
		came.finish(t, c.name)
	}
}

// chosen compares a restored topic with the records of the ledger that were to come.
type chosen struct {
	ledger *events.Ledger
	topic  string
	keep   keeps
	checks map[int32]*events.OrderCheck
}

func (c *chosen) check(p int32) *events.OrderCheck {
	if c.checks[p] == nil {
		at := events.Place{Topic: c.topic, Partition: p}
		c.checks[p] = c.ledger.CheckChosen(at, func(offset int64, e events.Entry) bool { return c.keep(at, offset, e.Timestamp) })
	}
	return c.checks[p]
}

func (c *chosen) finish(t *testing.T, cut string) {
	t.Helper()
	var all events.Findings
	for _, check := range c.checks {
		all.Add(check.Finish())
	}
	if all.Expected == 0 && all.Clean() {
		return // a moment before the first record of a small topic
	}
	expectClean(t, c.topic+" by "+cut, all)
}

// readFiles reads the JSON lines of a topic.
func (c *chosen) readFiles(t *testing.T, dir, into string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, into+"-*", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files { // sorted, and named by their first offset
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := json.NewDecoder(f)
		for lines.More() {
			var l exportLine
			if err := lines.Decode(&l); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			c.check(l.Partition).Take(l.record())
		}
		_ = f.Close()
	}
}

// exportLine is a line of an export, read by the field names that kcat has.
type exportLine struct {
	Partition     int32     `json:"partition"`
	Offset        int64     `json:"offset"`
	Timestamp     int64     `json:"ts"`
	Key           *string   `json:"key"`
	KeyBase64     []byte    `json:"key_base64"`
	Payload       *string   `json:"payload"`
	PayloadBase64 []byte    `json:"payload_base64"`
	Headers       []*string `json:"headers"`
}

func (l exportLine) record() recordbatch.Record {
	bytesOf := func(text *string, raw []byte) []byte {
		if text == nil {
			return raw
		}
		return []byte(*text)
	}
	r := recordbatch.Record{Offset: l.Offset, Timestamp: l.Timestamp, Key: bytesOf(l.Key, l.KeyBase64), Value: bytesOf(l.Payload, l.PayloadBase64)}
	for i := 0; i+1 < len(l.Headers); i += 2 {
		r.Headers = append(r.Headers, recordbatch.RecordHeader{Key: bytesOf(l.Headers[i], nil), Value: bytesOf(l.Headers[i+1], nil)})
	}
	return r
}
