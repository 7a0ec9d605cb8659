package restore

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// ledger is a small Kafka that remembers what the truth is: which records each
// transaction wrote, and when each of its markers was stamped.
type ledger struct {
	t    testing.TB
	rnd  *rand.Rand
	now  int64 // ms, true time
	logs map[names.Partition]*log
	all  []*transaction
	// sane is true if records have the time at which they are written, and the
	// markers of a transaction follow one another at once.
	sane bool
}

// log is one partition. Its leader's clock is wrong by skew.
type log struct {
	skew    int64
	batches [][]byte
	next    int64
	written []written
}

// written is a record and the transaction that it belongs to, if any.
type written struct {
	rec recordbatch.Record
	txn *transaction
	// stamp is the time that the record has for a reader.
	stamp int64
}

type transaction struct {
	producer, epoch int64
	version         int
	parts           map[*log]bool
	data            map[*log]bool
	marks           map[*log]markAt
}

// markAt is where and when a marker was written.
type markAt struct{ offset, stamp int64 }

// seller is a transactional producer.
type seller struct {
	id      int64
	epoch   int64
	version int
	open    *transaction
	since   int64
	// due are markers that the coordinator has not written yet.
	due []*log
}

func newLedger(t testing.TB, seed uint64, topics, partitions int, skew int64) *ledger {
	l := &ledger{t: t, rnd: rand.New(rand.NewPCG(seed, 9)), now: 1_000_000, logs: map[names.Partition]*log{}}
	for topic := range topics {
		for p := range int32(partitions) {
			name := names.Partition{Topic: fmt.Sprintf("topic%d", topic), Lineage: firstLife, Number: p}
			l.logs[name] = &log{skew: l.rnd.Int64N(2*skew+1) - skew}
		}
	}
	return l
}

func (l *ledger) places() []names.Partition {
	var list []names.Partition
	for p := range l.logs {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b names.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Number, b.Number))
	})
	return list
}

// time is a record's timestamp: now as a rule, and anything else at times.
func (l *ledger) time() int64 {
	if l.sane {
		return l.now
	}
	switch l.rnd.IntN(8) {
	case 0:
		return l.now - l.rnd.Int64N(600_000)
	case 1:
		return l.now + l.rnd.Int64N(600_000)
	case 2:
		return []int64{0, -1, 7_258_118_400_000, 1}[l.rnd.IntN(4)]
	}
	return l.now
}

// append writes a batch of some records.
func (l *ledger) append(log *log, txn *transaction) {
	opts := recordbatch.Options{Codec: recordbatch.Codec(l.rnd.IntN(3)), LogAppendTime: l.rnd.IntN(10) == 0}
	if txn != nil {
		opts.Transactional, opts.Producer = true, &recordbatch.Producer{ID: txn.producer, Epoch: int16(txn.epoch)}
		txn.data[log], txn.parts[log] = true, true
	}
	var recs []recordbatch.Record
	for range 1 + l.rnd.IntN(3) {
		r := rec(log.next, l.time())
		recs = append(recs, r)
		log.next++
	}
	b := batch(l.t, opts, recs...)
	log.batches = append(log.batches, b)
	for r, err := range recordbatch.NewDecoder(0).Records(b) {
		if err != nil {
			l.t.Fatal(err)
		}
		r.Headers = slices.Clone(r.Headers)
		log.written = append(log.written, written{r, txn, r.Timestamp})
	}
}

// mark writes a commit marker.
func (l *ledger) mark(log *log, txn *transaction) {
	epoch := txn.epoch
	if txn.version == 2 {
		epoch++
	}
	stamp := l.now + log.skew
	opts := recordbatch.Options{Transactional: true, Control: true, Producer: &recordbatch.Producer{ID: txn.producer, Epoch: int16(epoch), Sequence: -1}}
	log.batches = append(log.batches, batch(l.t, opts, recordbatch.Record{Offset: log.next, Timestamp: stamp, Key: []byte{0, 0, 0, 1}, Value: make([]byte, 6)}))
	txn.marks[log] = markAt{log.next, stamp}
	log.next++
}

// run lets sellers work until a moment. A step of the clock is a few ms.
func (l *ledger) run(sellers []*seller, until, longest int64) {
	logs := l.list()
	for l.now < until {
		l.now += 1 + l.rnd.Int64N(40)
		l.prompt(sellers)
		s := sellers[l.rnd.IntN(len(sellers))]
		switch {
		case l.rnd.IntN(3) == 0:
			l.append(logs[l.rnd.IntN(len(logs))], nil)
		case len(s.due) > 0:
			l.finish(s)
		case s.open == nil:
			s.open = &transaction{
				producer: s.id, epoch: s.epoch, version: s.version,
				parts: map[*log]bool{}, data: map[*log]bool{}, marks: map[*log]markAt{},
			}
			s.since = l.now
			l.append(logs[l.rnd.IntN(len(logs))], s.open)
		case l.rnd.IntN(4) == 0 || l.now-s.since > longest:
			l.commit(s, logs)
		default:
			l.append(logs[l.rnd.IntN(len(logs))], s.open)
		}
	}
	for _, s := range sellers { // what is open stays open; what is committed is finished
		for len(s.due) > 0 {
			l.now++
			l.finish(s)
		}
	}
}

// prompt writes all markers of a transaction at once, a while after its data, if
// the ledger is sane.
func (l *ledger) prompt(sellers []*seller) {
	for _, s := range sellers {
		if l.sane && len(s.due) > 0 {
			l.now += 20
		}
		for l.sane && len(s.due) > 0 {
			l.now++
			l.finish(s)
		}
	}
}

// settle ends what is open.
func (l *ledger) settle(sellers []*seller) {
	for _, s := range sellers {
		if s.open != nil {
			l.commit(s, l.list())
		}
		for len(s.due) > 0 {
			l.now++
			l.finish(s)
		}
	}
}

func (l *ledger) list() []*log {
	var logs []*log
	for _, p := range l.places() {
		logs = append(logs, l.logs[p])
	}
	return logs
}

// commit decides; the markers follow, some of them a good while later.
func (l *ledger) commit(s *seller, logs []*log) {
	if l.rnd.IntN(10) == 0 {
		s.open.parts[logs[l.rnd.IntN(len(logs))]] = true // a partition that got nothing
	}
	l.all = append(l.all, s.open)
	for _, log := range logs {
		if s.open.parts[log] {
			s.due = append(s.due, log)
		}
	}
	l.rnd.Shuffle(len(s.due), func(i, j int) { s.due[i], s.due[j] = s.due[j], s.due[i] })
}

func (l *ledger) finish(s *seller) {
	l.mark(s.due[0], s.open)
	s.due = s.due[1:]
	if len(s.due) > 0 {
		return
	}
	s.open = nil
	if s.version == 2 {
		s.epoch++
	}
}

// archive is what a read_committed consumer could read of the logs: up to the
// first record of a transaction that is still open.
func (l *ledger) archive(lag map[names.Partition]int64) shelves {
	s := shelves{}
	for p, log := range l.logs {
		end := log.next
		for _, w := range log.written {
			if w.txn != nil {
				if _, done := w.txn.marks[log]; !done {
					end = min(end, w.rec.Offset)
				}
			}
		}
		if n, ok := lag[p]; ok {
			end = min(end, n)
		}
		sh := &shelf{}
		for _, b := range log.batches {
			if h, _ := recordbatch.ParseHeader(b); h.BaseOffset < end {
				sh.batches = append(sh.batches, b)
			}
		}
		s[p] = sh
	}
	return s
}

// in is the rule of the cut for a transaction, as far as the archive goes.
func (l *ledger) in(t *transaction, s shelves, to int64) bool {
	for p, log := range l.logs {
		end := int64(0)
		for _, b := range s[p].batches {
			h, _ := recordbatch.ParseHeader(b)
			end = h.NextOffset()
		}
		m, done := t.marks[log]
		archived := done && m.offset < end
		if archived && m.stamp > to {
			return false
		}
		for _, w := range log.written {
			if w.txn == t && w.rec.Offset < end && !archived {
				return false
			}
		}
	}
	return true
}

// expect is what must come back of a partition.
func (l *ledger) expect(p names.Partition, s shelves, cut Cut, to int64, verdicts map[*transaction]bool) []recordbatch.Record {
	end := int64(0)
	for _, b := range s[p].batches {
		h, _ := recordbatch.ParseHeader(b)
		end = h.NextOffset()
	}
	var want []recordbatch.Record
	for _, w := range l.logs[p].written {
		in := w.stamp <= to
		if cut == CutTransactions && w.txn != nil {
			in = verdicts[w.txn]
		}
		if in && w.rec.Offset < end {
			want = append(want, w.rec)
		}
	}
	return want
}

// scenario is a kind of ledger.
type scenario struct {
	name     string
	versions []int // of the sellers
	skew     int64 // ms, of the brokers' clocks
	lag      bool  // one partition is not archived to its end
	sane     bool  // records have true times
	pauses   bool  // nothing happens for longer than the window, now and then
	force    bool
}

// Six partitions of three topics, of which some are restored, against the truth.
// What is refused as ambiguous is not compared; see the counts.
func TestCutsAgainstALedger(t *testing.T) {
	for _, c := range []scenario{
		{name: "version 2", versions: []int{2, 2, 2, 2}},
		{name: "version 2, skewed clocks", versions: []int{2, 2, 2, 2, 2}, skew: 1000},
		{name: "version 2, consumer lag", versions: []int{2, 2, 2}, skew: 200, lag: true},
		{name: "version 1", versions: []int{1, 1}, skew: 200},
		{name: "version 1, pauses", versions: []int{1, 1}, pauses: true},
		{name: "version 1, forced", versions: []int{1, 1, 1}, sane: true, force: true},
		{name: "both", versions: []int{1, 2, 2, 2}, skew: 1000, pauses: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused, checked := 0, 0
			for seed := range uint64(4) {
				n, m := c.run(t, seed)
				refused, checked = refused+n, checked+m
			}
			old := slices.Contains(c.versions, 1)
			if refused > 0 && (!old || c.force) {
				t.Errorf("%d restores were refused as ambiguous", refused)
			}
			if checked < 20 && (!old || c.pauses || c.force) {
				t.Errorf("only %d partitions were compared", checked)
			}
			t.Logf("%d partitions compared, %d restores refused as ambiguous", checked, refused)
		})
	}
}

const ledgerWindow = 5 * time.Second

func (c scenario) run(t *testing.T, seed uint64) (refused, checked int) {
	l := newLedger(t, seed, 3, 2, c.skew)
	l.sane = c.sane
	var sellers []*seller
	for i, v := range c.versions {
		sellers = append(sellers, &seller{id: int64(100 + i), epoch: l.rnd.Int64N(5), version: v})
	}
	begin := l.now
	for range 4 {
		l.run(sellers, l.now+5000, 1500)
		if c.pauses {
			l.settle(sellers)
			l.now += 10_000
		}
	}
	if c.force {
		l.settle(sellers) // a guess needs what follows
	}
	lag := map[names.Partition]int64{}
	if c.lag {
		p := l.places()[l.rnd.IntN(6)]
		lag[p] = l.rnd.Int64N(l.logs[p].next + 1)
	}
	s := l.archive(lag)
	for range 8 {
		n, m := c.compare(t, l, s, begin+l.rnd.Int64N(l.now-begin+2000))
		refused, checked = refused+n, checked+m
	}
	return refused, checked
}

// compare restores some topics under the cut by transactions and compares every
// record.
func (c scenario) compare(t *testing.T, l *ledger, s shelves, to int64) (refused, checked int) {
	r := Request{Cut: CutTransactions, To: at(to), Topics: map[string]string{}, Window: ledgerWindow, Force: c.force}
	for i := range 3 {
		if topic := fmt.Sprintf("topic%d", i); l.rnd.IntN(2) == 0 || len(r.Topics) == 0 && i == 2 {
			r.Topics[topic] = topic
		}
	}
	p := plan(t, s, nil, r)
	if slices.Contains(causes(p), CauseAmbiguous) {
		return 1, 0
	}
	if err := p.Refused(); err != nil && !slices.Equal(causes(p), []Cause{CauseEmpty}) {
		t.Fatal(err)
	}
	verdicts := map[*transaction]bool{}
	for _, txn := range l.all {
		verdicts[txn] = l.in(txn, s, to)
	}
	for _, place := range l.places() {
		if r.Topics[place.Topic] == "" {
			continue
		}
		what := fmt.Sprintf("%s/%d at %d", place.Topic, place.Number, to)
		same(t, what, records(t, p, s, place.Topic, place.Number), l.expect(place, s, CutTransactions, to, verdicts))
		checked++
	}
	return 0, checked
}

func TestBoundsDoNotOverflow(t *testing.T) {
	b := bounds{to: math.MaxInt64 - 5, window: 1000}
	if b.last() != math.MaxInt64 {
		t.Errorf("the window ends at %d", b.last())
	}
}
