package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// cutLog is what a broker has of some topics, and what it knows of their transactions: the time of the last commit marker of
// each, by the name that its records bear.
type cutLog struct {
	records map[string]map[int32][]cutRecord
	last    map[string]int64
	first   map[string]int64
	// raised counts markers with an epoch above that of the data, same those with an equal one.
	raised, same int
}

type cutRecord struct {
	recordbatch.Record
	transaction string // empty outside transactions
}

// testCut: whole transactions at the very moments of their markers, against what the broker's own log says.
func testCut(t *testing.T, w *world) {
	topics := []string{"cut.a", "cut.b", "cut.c"}
	w.makeCutTopics(t, topics)
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() { w.sell(t, topics, fmt.Sprint("seller-", n), 40) })
	}
	wg.Go(func() { w.utter(t, topics, 400) })
	wg.Wait()
	log := w.readCutLog(t, topics)
	if log.same > 0 || log.raised == 0 {
		t.Errorf("%d markers carry the epoch of their data and %d a higher one: version 2 is told by the latter", log.same, log.raised)
	}
	a := w.newArchive(t, "cut", `~cut\.[abc]`)
	a.catchUp(t)
	for i, to := range log.moments(w, 5) {
		a.compareMoment(t, log, topics[:1+i%3], fmt.Sprint(".at", i), to)
	}
}

// testCutOld: producers of before version 2. What the archive cannot tell is refused; after the last marker nothing is open.
func testCutOld(t *testing.T, w *world) {
	topics := []string{"cutold.a", "cutold.b"}
	w.makeCutTopics(t, topics)
	w.sell(t, topics, "old", 40, kgo.MaxVersions(kversion.V3_8_0()))
	log := w.readCutLog(t, topics)
	if log.raised > 0 || log.same == 0 {
		t.Errorf("%d markers carry the epoch of their data and %d a higher one", log.same, log.raised)
	}
	a := w.newArchive(t, "cutold", `~cutold\..*`)
	a.catchUp(t)
	var end int64
	for _, m := range log.last {
		end = max(end, m)
	}
	a.compareMoment(t, log, topics, ".end", end)
	for i, to := range log.moments(w, 2) {
		args := append(cutArgs(to, topics, fmt.Sprint(".no", i)), "--plan")
		if o := a.run(t, "restore", args...); o.code != exitFindings || !strings.Contains(string(o.stdout)+string(o.stderr), "transaction") {
			t.Errorf("a moment at which a transaction was being committed: exit %d\n%s%s", o.code, o.stdout, o.stderr)
		}
		if o := a.run(t, "restore", append(args, "--force")...); o.code != exitDone {
			t.Errorf("the same, forced: exit %d\n%s%s", o.code, o.stdout, o.stderr)
		}
	}
}

func (w *world) makeCutTopics(t *testing.T, topics []string) {
	for _, topic := range topics {
		w.makeTopic(t, topic, 2, nil)
	}
}

// sell runs transactions over all partitions, some of which are aborted, with times that are not in order.
func (w *world) sell(t *testing.T, topics []string, name string, n int, opts ...kgo.Opt) {
	client := w.dial(t, append(opts, kgo.TransactionalID(topics[0]+name), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	rnd := w.random(uint64(len(name)) * uint64(name[len(name)-1]))
	for i := range n {
		if err := client.BeginTransaction(); err != nil {
			t.Error(err)
			return
		}
		var recs []*kgo.Record
		for range 1 + rnd.IntN(8) {
			recs = append(recs, &kgo.Record{
				Topic: topics[rnd.IntN(len(topics))], Partition: int32(rnd.IntN(2)), Key: fmt.Appendf(nil, "k%d", i%7),
				Value: fmt.Appendf(nil, "%s/%d", name, i), Timestamp: time.Now().Add(time.Duration(rnd.IntN(1000)-500) * time.Second).Truncate(time.Millisecond),
			})
		}
		err := client.ProduceSync(t.Context(), recs...).FirstErr()
		if err == nil {
			err = client.EndTransaction(t.Context(), kgo.TransactionEndTry(i%5 != 4))
		}
		if err != nil {
			t.Errorf("%s, transaction %d: %v", name, i, err)
			return
		}
	}
}

// utter writes records outside transactions.
func (w *world) utter(t *testing.T, topics []string, n int) {
	client := w.dial(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	rnd := w.random(77)
	for i := range n {
		r := &kgo.Record{
			Topic: topics[rnd.IntN(len(topics))], Partition: int32(rnd.IntN(2)), Value: fmt.Appendf(nil, "plain %d", i),
			Timestamp: time.Now().Add(time.Duration(rnd.IntN(4000)-2000) * time.Millisecond).Truncate(time.Millisecond),
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Error(err)
			return
		}
	}
}

// readCutLog reads what is committed, with the markers.
func (w *world) readCutLog(t *testing.T, topics []string) *cutLog {
	t.Helper()
	log := &cutLog{records: map[string]map[int32][]cutRecord{}, last: map[string]int64{}, first: map[string]int64{}}
	type place struct {
		partition int32
		producer  int64
	}
	for _, topic := range topics {
		log.records[topic] = map[int32][]cutRecord{}
		open := map[place]*kgo.Record{}
		w.readLog(t, topic, func(r *kgo.Record) {
			at := place{r.Partition, r.ProducerID}
			if r.Attrs.IsControl() {
				log.mark(open[at], r)
				delete(open, at)
				return
			}
			rec := cutRecord{Record: plain(r)}
			if r.Attrs.IsTransactional() {
				rec.transaction, open[at] = string(r.Value), r
			}
			log.records[topic][r.Partition] = append(log.records[topic][r.Partition], rec)
		})
	}
	return log
}

// mark notes a marker; data is nil behind an aborted transaction.
func (l *cutLog) mark(data, marker *kgo.Record) {
	if data == nil {
		return
	}
	if data.ProducerEpoch == marker.ProducerEpoch {
		l.same++
	} else {
		l.raised++
	}
	name, at := string(data.Value), marker.Timestamp.UnixMilli()
	if first, ok := l.first[name]; !ok || at < first {
		l.first[name] = at
	}
	l.last[name] = max(l.last[name], at)
}

// moments are those at which it matters which marker counts: when the first marker of a transaction was there and the last
// was not, as far as there are such.
func (l *cutLog) moments(w *world, n int) []int64 {
	var list []int64
	for name, last := range l.last {
		if last > l.first[name] {
			list = append(list, last-1, last, l.first[name])
		}
	}
	if len(list) == 0 {
		for _, last := range l.last {
			list = append(list, last-1, last)
		}
	}
	slices.Sort(list)
	w.random(5).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(n, len(list))]
}

func cutArgs(to int64, topics []string, suffix string) []string {
	args := []string{"--to", time.UnixMilli(to).UTC().Format(time.RFC3339Nano), "--cut", "transactions"}
	for _, topic := range topics {
		args = append(args, "--topic", topic+"="+topic+suffix)
	}
	return args
}

// compareMoment restores topics and compares every record.
func (a *archive) compareMoment(t *testing.T, log *cutLog, topics []string, suffix string, to int64) {
	t.Helper()
	a.must(t, "restore", cutArgs(to, topics, suffix)...)
	for _, topic := range topics {
		got := map[int32][]string{}
		a.w.readTopic(t, topic+suffix, func(r *kgo.Record) { got[r.Partition] = append(got[r.Partition], cutText(plain(r))) })
		for p, recs := range log.records[topic] {
			var want []string
			for _, r := range recs {
				in := r.Timestamp <= to
				if r.transaction != "" {
					in = log.last[r.transaction] <= to
				}
				if in {
					want = append(want, cutText(r.Record))
				}
			}
			if !slices.Equal(got[p], want) {
				t.Errorf("%s/%d at %d: %d records came back, want %d", topic, p, to, len(got[p]), len(want))
			}
		}
	}
}

func cutText(r recordbatch.Record) string {
	return fmt.Sprintf("%d %q %q", r.Timestamp, r.Key, r.Value)
}
