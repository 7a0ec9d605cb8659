package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// marked are the groups of testMarks, and what they have committed last.
type marked struct {
	w         *world
	topic     string
	rnd       *rand.Rand
	committed map[string]map[int32]int64
}

// moment is an instant, and what the groups had committed at it.
type moment struct {
	at        time.Time
	committed map[string]map[int32]int64
}

const (
	markGroups     = 3
	markPartitions = 3
)

func markGroup(n int) string { return fmt.Sprintf("marks-group-%d", n) }

// txnGroup commits its offsets in transactions.
const txnGroup = "marks-transactional"

// testMarks: groups commit at known moments, plainly and in transactions; after a restore to each moment, into topics and groups
// of other names, every group reads precisely the records that it had not read at that moment (fault 71).
func testMarks(t *testing.T, w *world) {
	m := &marked{w: w, topic: "marks.orders", rnd: w.random(3000), committed: map[string]map[int32]int64{}}
	w.makeTopic(t, m.topic, markPartitions, nil)
	w.makeTopic(t, "marks.side", 1, nil)
	a := w.newArchive(t, "marks", m.topic)
	a.write(t, a.text(w.kafka.Bootstrap(), "")+"marks:\n  every: 1s\n  groups:\n    - pattern: 'marks-.*'\n")
	p := a.member(t, "member")
	var moments []moment
	for range 3 {
		m.produce(t)
		for n := range markGroups {
			m.commit(t, markGroup(n))
		}
		m.transact(t, func() { moments = append(moments, m.await(t, a)) }) // the transaction is open then
		moments = append(moments, m.await(t, a))
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(t, time.Minute); code != exitDone {
		t.Fatalf("archive: exit %d\n%s", code, p.tail())
	}
	a.catchUp(t)
	for i, then := range moments {
		m.check(t, a, i, then)
	}
	a.level(t)
}

// produce writes transactions, some of which are aborted, with timestamps around now.
func (m *marked) produce(t *testing.T) {
	t.Helper()
	client := m.w.dial(t, kgo.TransactionalID("marks-producer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range 12 {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 1 + m.rnd.IntN(20) {
			r := &kgo.Record{
				Topic: m.topic, Partition: m.rnd.Int32N(markPartitions), Value: fmt.Append(nil, m.rnd.Uint64()),
				Timestamp: time.Now().Add(time.Duration(m.rnd.IntN(8000)-4000) * time.Millisecond),
			}
			client.Produce(t.Context(), r, nil)
		}
		if err := client.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), i%3 != 2); err != nil {
			t.Fatal(err)
		}
	}
}

// choose moves a group to offsets that may as well be those of markers, or of aborted records.
func (m *marked) choose(t *testing.T, group string) map[int32]int64 {
	t.Helper()
	ends, err := m.w.admin.ListCommittedOffsets(t.Context(), m.topic)
	if err != nil {
		t.Fatal(err)
	}
	next := maps.Clone(m.committed[group])
	if next == nil {
		next = map[int32]int64{}
	}
	for n := range int32(markPartitions) {
		end, _ := ends.Lookup(m.topic, n)
		if n == 0 || m.rnd.IntN(4) > 0 {
			next[n] += m.rnd.Int64N(end.Offset - next[n] + 1)
		}
	}
	return next
}

func (m *marked) commit(t *testing.T, group string) {
	t.Helper()
	next := m.choose(t, group)
	o := kadm.Offsets{}
	for n, at := range next {
		o.Add(kadm.Offset{Topic: m.topic, Partition: n, At: at, LeaderEpoch: -1, Metadata: group + "'s own"})
	}
	if err := m.w.admin.CommitAllOffsets(t.Context(), group, o); err != nil {
		t.Fatal(err)
	}
	m.committed[group] = next
}

// transact commits offsets in a transaction, which is open while during runs.
func (m *marked) transact(t *testing.T, during func()) {
	t.Helper()
	client := m.w.dial(t, kgo.TransactionalID("marks-transactional"), kgo.DefaultProduceTopic("marks.side"))
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	next := m.choose(t, txnGroup)
	m.offerOffsets(t, client, next)
	during()
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	m.committed[txnGroup] = next
}

// offerOffsets adds offsets to an open transaction (KIP-98): they count once it is committed.
func (m *marked) offerOffsets(t *testing.T, client *kgo.Client, next map[int32]int64) {
	t.Helper()
	id, epoch, err := client.ProducerID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = "marks-transactional", id, epoch, txnGroup
	if resp, err := add.RequestWith(t.Context(), client); err != nil || resp.ErrorCode != 0 {
		t.Fatal(resp, err)
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = add.TransactionalID, id, epoch, txnGroup
	rt := kmsg.NewTxnOffsetCommitRequestTopic()
	rt.Topic = m.topic
	for n, at := range next {
		rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset = n, at
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, rp := range resp.Topics[0].Partitions {
		if rp.ErrorCode != 0 {
			t.Fatalf("partition %d: error %d", rp.Partition, rp.ErrorCode)
		}
	}
}

// await waits until the newest mark has what the groups have committed, and returns the moment.
func (m *marked) await(t *testing.T, a *archive) moment {
	t.Helper()
	then := moment{committed: map[string]map[int32]int64{}}
	for g, c := range m.committed {
		then.committed[g] = maps.Clone(c)
	}
	until(t, 20*time.Second, "a mark with the committed offsets", func() bool {
		then.at = time.Now()
		return maps.EqualFunc(m.told(t, a, then.at), then.committed, maps.Equal[map[int32]int64, map[int32]int64])
	})
	return then
}

// told is what tidemark says of the groups at a moment.
func (m *marked) told(t *testing.T, a *archive, at time.Time) map[string]map[int32]int64 {
	t.Helper()
	o := a.run(t, "marks", at.UTC().Format(time.RFC3339Nano), "--groups", "--json")
	if o.code != exitDone {
		return nil // there is none yet
	}
	var mark struct {
		Groups []struct {
			Group   string
			Offsets []struct {
				Partition int32
				Offset    int64
			}
		}
	}
	if err := json.Unmarshal(o.stdout, &mark); err != nil {
		t.Fatalf("%v\n%s", err, o.stdout)
	}
	out := map[string]map[int32]int64{}
	for _, g := range mark.Groups {
		for _, o := range g.Offsets {
			if out[g.Group] == nil {
				out[g.Group] = map[int32]int64{}
			}
			out[g.Group][o.Partition] = o.Offset
		}
	}
	return out
}

// check restores to a moment and has a consumer of each group read what is left.
func (m *marked) check(t *testing.T, a *archive, i int, then moment) {
	t.Helper()
	into := fmt.Sprintf("%s.%d", m.topic, i)
	args := restoreArgs(then.at, m.topic+"="+into)
	names := map[string]string{}
	for g := range then.committed {
		names[g] = fmt.Sprintf("%s-%d", g, i)
		args = append(args, "--rename-group", g+"="+names[g])
	}
	a.must(t, "restore", args...)
	source := map[int32][]*kgo.Record{}
	m.w.readTopic(t, m.topic, func(r *kgo.Record) { source[r.Partition] = append(source[r.Partition], r) })
	for _, g := range slices.Sorted(maps.Keys(then.committed)) {
		want := map[int32][]string{}
		for n, rs := range source {
			if _, ok := then.committed[g][n]; !ok {
				continue
			}
			for _, r := range rs {
				if r.Offset >= then.committed[g][n] && r.Timestamp.UnixMilli() <= then.at.UnixMilli() {
					want[n] = append(want[n], string(r.Value))
				}
			}
		}
		if got := m.left(t, into, names[g]); !maps.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("moment %d: group %s reads %d records, want %d", i, g, total(got), total(want))
		}
	}
}

func total(all map[int32][]string) (n int) {
	for _, v := range all {
		n += len(v)
	}
	return n
}

// left is what a consumer of a group would read of a topic, in the partitions that the group has committed.
func (m *marked) left(t *testing.T, topic, group string) map[int32][]string {
	t.Helper()
	found, err := m.w.admin.FetchOffsets(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int32][]*kgo.Record{}
	m.w.readTopic(t, topic, func(r *kgo.Record) { all[r.Partition] = append(all[r.Partition], r) })
	out := map[int32][]string{}
	for _, o := range found.Sorted() {
		if o.Topic != topic || o.At < 0 {
			t.Errorf("group %s has %s/%d at %d", group, o.Topic, o.Partition, o.At)
			continue
		}
		if !strings.HasSuffix(o.Metadata, "'s own") && !strings.HasPrefix(group, txnGroup) {
			t.Errorf("group %s has lost its metadata: %q", group, o.Metadata)
		}
		rs := all[o.Partition]
		slices.SortFunc(rs, func(x, y *kgo.Record) int { return cmp.Compare(x.Offset, y.Offset) })
		for _, r := range rs {
			if r.Offset >= o.At {
				out[o.Partition] = append(out[o.Partition], string(r.Value))
			}
		}
	}
	return out
}
