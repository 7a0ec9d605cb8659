package e2e

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// catLine is a line of `tidemark cat`, which has kcat's field names.
type catLine struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Payload   string `json:"payload"`
}

// cat reads a topic from the archive by the verb.
func (a *archive) cat(t *testing.T, topic string, args ...string) []catLine {
	t.Helper()
	o := a.must(t, "cat", append([]string{"--topic", topic}, args...)...)
	var all []catLine
	lines := json.NewDecoder(bytes.NewReader(o.stdout))
	for lines.More() {
		var l catLine
		if err := lines.Decode(&l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// testRecreated: a topic that is deleted and made again is another one, from its start; the old one stays.
func testRecreated(t *testing.T, w *world) {
	w.makeTopic(t, "again", 1, nil)
	first := w.produce(t, "again", 0, 50)
	a := w.newArchive(t, "again", "again")
	p := a.member(t, "member")
	until(t, 30*time.Second, "the first life is archived", func() bool { return len(a.segments(t, 0)) > 0 && len(a.segments(t, 1)) > 0 })
	old := a.names(t, 0, dataBucket)
	if _, err := w.admin.DeleteTopics(t.Context(), "again"); err != nil {
		t.Fatal(err)
	}
	until(t, 20*time.Second, "the topic can be made again", func() bool {
		r, err := w.admin.CreateTopic(t.Context(), 1, 1, nil, "again")
		return err == nil && r.Err == nil
	})
	newest := w.produce(t, "again", 1000, 1020)
	until(t, 60*time.Second, "the second life is archived", func() bool { return lineages(a.segments(t, 1)) == 2 && lineages(a.segments(t, 0)) == 2 })
	p.kill()
	a.catchUp(t)
	now := a.names(t, 0, dataBucket)
	for name, size := range old {
		if now[name] != size {
			t.Errorf("%s of the first life was changed", name)
		}
	}
	a.verify(t)
	a.restore(t, newest, "again=again-back")
	w.sameRecords(t, "again", "again-back", everyRecord)
	a.restore(t, first, "again=again-first")
	if got := w.collect(t, "again-first", everyRecord)[0]; len(got) != 50 || string(got[49].Value) != "again 49" {
		t.Errorf("of the first life %d records came back, want its 50", len(got))
	}
}

// lineages counts the lives of topics among names <prefix>/topics/<topic>/<lineage>/….
func lineages(names []string) int {
	lives := map[string]bool{}
	for _, name := range names {
		lives[strings.Join(strings.Split(name, "/")[:4], "/")] = true
	}
	return len(lives)
}

// testCompacted: the log cleaner leaves holes in batches, and takes whole batches away.
func testCompacted(t *testing.T, w *world) {
	w.makeTopic(t, "compacted", 1, map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.bytes": strconv.Itoa(1 << 20), "segment.ms": "500",
		"delete.retention.ms": "100", "min.compaction.lag.ms": "0", "max.compaction.lag.ms": "1000",
	})
	w.produceBatches(t, "compacted", 40)
	a := w.newArchive(t, "compacted", "compacted")
	before := 0
	until(t, 60*time.Second, "the log cleaner has been there", func() bool {
		w.produce(t, "compacted", 0, 1) // rolls the active segment, which is never cleaned
		n := 0
		w.readTopic(t, "compacted", func(*kgo.Record) { n++ })
		cleaned := n < before
		before = n
		return cleaned && n < 800
	})
	a.catchUp(t)
	a.verify(t)
	want, got := w.collectOffsets(t, "compacted"), a.cat(t, "compacted")
	seen := map[int64]bool{}
	last := int64(-1)
	for _, l := range got {
		if l.Offset <= last {
			t.Errorf("offset %d came after %d", l.Offset, last)
		}
		last = l.Offset
		seen[l.Offset] = true
	}
	for offset := range want {
		if !seen[offset] {
			t.Errorf("offset %d is in Kafka and not in the archive", offset)
		}
	}
	a.restore(t, time.Now(), "compacted=compacted-back")
	t.Logf("compacted: %d of %d offsets are left, all of them in the archive", len(want), last+1)
}

// produceBatches writes so many batches of 50 records with few keys: compaction leaves little.
func (w *world) produceBatches(t *testing.T, topic string, n int) {
	t.Helper()
	client := w.dial(t, kgo.ProducerLinger(20*time.Millisecond))
	for i := range n {
		var batch []*kgo.Record
		for j := range 50 {
			key := "often"
			if j%10 == 0 {
				key = "once-" + strconv.Itoa(i*50+j)
			}
			batch = append(batch, &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(strconv.Itoa(i*50 + j))})
		}
		if err := client.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) collectOffsets(t *testing.T, topic string) map[int64]bool {
	t.Helper()
	all := map[int64]bool{}
	w.readTopic(t, topic, func(r *kgo.Record) { all[r.Offset] = true })
	return all
}

// testDeleted: records that are deleted before they were fetched become a signed gap, and the batch that lies across its end
// counts from there on only; what was fetched before stays.
func testDeleted(t *testing.T, w *world) {
	w.makeTopic(t, "deleted", 1, nil)
	w.produceBatches(t, "deleted", 2) // of 50 records
	a := w.newArchive(t, "deleted", "deleted")
	a.catchUp(t)
	w.deleteBefore(t, "deleted", 60) // below the tail: the archive keeps them
	w.produceBatches(t, "deleted", 2)
	w.deleteBefore(t, "deleted", 130) // above the tail, within a batch: they are gone
	a.catchUp(t)
	var got, want []int64
	for offset := range int64(200) {
		if offset < 100 || offset >= 130 {
			want = append(want, offset)
		}
	}
	for _, l := range a.cat(t, "deleted") {
		got = append(got, l.Offset)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the archive yields %v", got)
	}
	a.expectGap(t, 100, 130)
}

// deleteBefore deletes the records of partition 0 below an offset, as retention does.
func (w *world) deleteBefore(t *testing.T, topic string, offset int64) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, offset, -1)
	if r, err := w.admin.DeleteRecords(t.Context(), offsets); err != nil || r.Error() != nil {
		t.Fatalf("delete records: %v %v", err, r.Error())
	}
}

// expectGap expects both regions to hold a gap file of these offsets, and verify to know it.
func (a *archive) expectGap(t *testing.T, base, next int64) {
	t.Helper()
	a.sameNames(t)
	found := false
	for name := range a.names(t, 0, dataBucket) {
		found = found || strings.HasSuffix(name, ".gap") && strings.Contains(name, pad(base)+"-"+pad(next))
	}
	if !found {
		t.Errorf("no gap file says that [%d, %d) are gone", base, next)
	}
	r := a.report(t, exitDone)
	if r.Totals.Known != next-base {
		t.Errorf("verify knows of %d offsets in gaps, want %d", r.Totals.Known, next-base)
	}
}

func pad(offset int64) string {
	text := strconv.FormatInt(offset, 10)
	return strings.Repeat("0", 20-len(text)) + text
}

// testGrowing: partitions that are added and topics that newly match are read from their beginning.
func testGrowing(t *testing.T, w *world) {
	w.makeTopic(t, "growing.one", 1, nil)
	w.produce(t, "growing.one", 0, 10)
	a := w.newArchive(t, "growing", `~growing\.[a-z]+`)
	p := a.member(t, "member")
	until(t, 30*time.Second, "the first topic is archived", func() bool { return len(a.segments(t, 1)) > 0 })
	w.makeTopic(t, "growing.two", 2, nil)
	w.makeTopic(t, "growing.3", 1, nil) // does not match
	w.produce(t, "growing.two", 0, 10)
	if _, err := w.admin.UpdatePartitions(t.Context(), 3, "growing.one"); err != nil {
		t.Fatal(err)
	}
	client := w.dial(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	until(t, 10*time.Second, "the new partition takes records", func() bool {
		r := &kgo.Record{Topic: "growing.one", Partition: 2, Value: []byte("in a new partition")}
		return client.ProduceSync(t.Context(), r).FirstErr() == nil
	})
	began := time.Now()
	until(t, 90*time.Second, "new topic and partition are archived", func() bool {
		all := strings.Join(a.segments(t, 0), "\n")
		return strings.Contains(all, "/growing.two/") && strings.Contains(all, "/2/0000")
	})
	t.Logf("new topic and partition archived after %.1f s", time.Since(began).Seconds())
	p.kill()
	a.catchUp(t)
	if strings.Contains(strings.Join(a.segments(t, 0), "\n"), "/growing.3/") {
		t.Error("a topic that does not match is archived")
	}
	a.verify(t)
	a.restore(t, time.Now(), "growing.one=growing.one-back", "growing.two=growing.two-back")
	w.sameRecords(t, "growing.one", "growing.one-back", everyRecord)
	w.sameRecords(t, "growing.two", "growing.two-back", everyRecord)
}

// testRetention: retention overtakes an archiver that is away. What expired is a gap, what did not is archived.
func testRetention(t *testing.T, w *world) {
	w.makeTopic(t, "expiring", 1, map[string]string{"retention.ms": "-1", "segment.ms": "300", "segment.bytes": strconv.Itoa(1 << 20)})
	w.produce(t, "expiring", 0, 50)
	a := w.newArchive(t, "expiring", "expiring")
	a.catchUp(t)
	w.produce(t, "expiring", 50, 100)
	w.alter(t, "expiring", "retention.ms", "1000")
	start := int64(0)
	until(t, 60*time.Second, "retention has deleted what was not archived", func() bool {
		w.produce(t, "expiring", 100, 101)
		o, err := w.admin.ListStartOffsets(t.Context(), "expiring")
		if err != nil {
			t.Fatal(err)
		}
		at, _ := o.Lookup("expiring", 0)
		start = at.Offset
		return start > 60
	})
	w.alter(t, "expiring", "retention.ms", "-1")
	a.catchUp(t)
	want := w.collectOffsets(t, "expiring")
	for _, l := range a.cat(t, "expiring") {
		delete(want, l.Offset)
	}
	if len(want) != 0 {
		t.Errorf("%d offsets that are in Kafka are not in the archive", len(want))
	}
	if known := a.report(t, exitDone).Totals.Known; known == 0 || known > start {
		t.Errorf("verify knows of %d offsets in gaps", known)
	}
	a.sameNames(t)
}
