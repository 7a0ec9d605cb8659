package state_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/state"
)

// history is a table that changes at random, the topic that Debezium would make
// of it, and the rows that there are in the end.
type history struct {
	r          *rand.Rand
	topic      topic
	partitions int32
	lsn        int64
	rows       map[int]row
	compacted  bool
	flat       bool
	grown      bool
}

type row struct {
	id   int
	v    string
	note *string
}

func (r row) json() string {
	note := "null"
	if r.note != nil {
		note = fmt.Sprintf("%q", *r.note)
	}
	return fmt.Sprintf(`{"id":%d,"v":%q,"note":%s}`, r.id, r.v, note)
}

func key(id int) string { return fmt.Sprintf(`{"id":%d}`, id) }

// send appends a record where the producer would put it; its time is not
// in order.
func (h *history) send(key, value string) {
	sum := fnv.New32a()
	sum.Write([]byte(key))
	p := int32(sum.Sum32() % uint32(h.partitions))
	if key == "" {
		p = h.r.Int32N(h.partitions)
	}
	h.topic.add(p, key, value)
	at := h.lsn * 10
	if !h.compacted { // a tombstone without its delete has nothing but its time
		at -= h.r.Int64N(100)
	}
	h.topic[p][len(h.topic[p])-1].Timestamp = at
}

func (h *history) change(op string, before, after *row) string {
	text := func(r *row) string {
		if r == nil {
			return ""
		}
		return r.json()
	}
	if !h.flat {
		return change(op, text(before), text(after), h.lsn, h.lsn*10)
	}
	r, deleted := after, "false"
	if op == "d" {
		r, deleted = before, "true"
	}
	return strings.TrimSuffix(text(r), "}") + fmt.Sprintf(`,"__op":%q,"__deleted":%q,"__lsn":%d}`, op, deleted, h.lsn)
}

func (h *history) fresh(id int) row {
	made := row{id: id, v: fmt.Sprint(h.r.IntN(1000))}
	if h.r.IntN(2) == 0 {
		note := strings.Repeat("n", h.r.IntN(4))
		made.note = &note
	}
	return made
}

func (h *history) put(op string, before *row, after row) {
	h.rows[after.id] = after
	h.send(key(after.id), h.change(op, before, &after))
}

func (h *history) remove(old row) {
	delete(h.rows, old.id)
	h.send(key(old.id), h.change("d", &old, nil))
	if h.r.IntN(3) > 0 {
		h.send(key(old.id), "")
	}
}

// step changes one row, or all.
func (h *history) step(ids int) {
	h.lsn++
	id := h.r.IntN(ids)
	old, exists := h.rows[id]
	switch n := h.r.IntN(100); {
	case n == 0 && (h.compacted || h.flat || !h.grown):
		h.partitions, h.grown = h.partitions+1, true
	case n == 1 && !h.flat:
		clear(h.rows)
		h.send("", change("t", "", "", h.lsn, h.lsn*10))
	case n == 2 && !h.flat:
		for id := range ids { // a snapshot
			if old, ok := h.rows[id]; ok {
				h.put("r", nil, old)
			}
		}
	case !exists:
		h.put("c", nil, h.fresh(id))
	case n < 25:
		h.remove(old)
	case n < 32:
		h.move(old, h.r.IntN(ids))
	case n < 40 && !h.compacted && !h.flat: // a long value that did not change
		now := h.fresh(id)
		h.rows[id] = row{id, now.v, old.note}
		h.send(key(id), strings.Replace(h.change("u", nil, &row{id: id, v: now.v}), `"note":null`, `"note":"__debezium_unavailable_value"`, 1))
	default:
		h.put("u", &old, h.fresh(id))
	}
}

// move gives a row another key, as Debezium writes it or in one update.
func (h *history) move(old row, to int) {
	if _, taken := h.rows[to]; taken {
		return
	}
	now := old
	now.id = to
	if h.flat || h.compacted || h.r.IntN(2) == 0 {
		h.remove(old)
		h.lsn++
		h.put("c", nil, now)
		return
	}
	delete(h.rows, old.id)
	h.put("u", &old, now)
}

// compact takes away records that a later one of the same key supersedes.
func (h *history) compact() {
	for p, records := range h.topic {
		last := map[string]int64{}
		for _, rec := range records {
			last[string(rec.Key)] = rec.Offset
		}
		h.topic[p] = slices.DeleteFunc(records, func(rec recordbatch.Record) bool {
			return rec.Key != nil && last[string(rec.Key)] > rec.Offset && h.r.IntN(4) > 0
		})
	}
}

func (h *history) want() []string {
	var all []string
	for _, id := range slices.Sorted(keysOf(h.rows)) {
		text := h.rows[id].json()
		if h.rows[id].note == nil {
			text = strings.Replace(text, `,"note":null`, "", 1)
		}
		all = append(all, text)
	}
	return all
}

func keysOf(m map[int]row) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Whatever happens to a table, the rows in the end are those of a model that
// applies the changes one after the other.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(200) {
		h := &history{
			r: rand.New(rand.NewPCG(seed, 4)), topic: topic{}, partitions: 1 + int32(seed%3),
			rows: map[int]row{}, compacted: seed%3 == 1, flat: seed%3 == 2,
		}
		for range 400 {
			h.step(12)
		}
		if h.compacted {
			h.compact()
		}
		o := options(t)
		o.Workers = 1 + int(seed%4)
		table, err := state.Build(t.Context(), h.topic, o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got, want := rowsOf(t, table), h.want(); !slices.Equal(got, want) {
			t.Errorf("seed %d (compacted %t, flat %t): rows\n%s\nwant\n%s", seed, h.compacted, h.flat, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		table.Close()
		if t.Failed() {
			return
		}
	}
}

// With little memory and several workers the same rows come out, in the same
// order, with the same checksum.
func TestMemoryAndWorkersChangeNothing(t *testing.T) {
	src := topic{}
	long := strings.Repeat("x", 400)
	for i := range 60_000 {
		id := i * 7919 % 30_000
		src.add(int32(id%5), key(id), change("u", "", fmt.Sprintf(`{"id":%d,"v":"%d%s","n%d":1}`, id, i, long, id%3), int64(i), int64(i)))
	}
	var first []string
	for i, test := range []struct {
		memory  int64
		workers int
	}{{256 << 20, 1}, {state.MinMemory, 1}, {state.MinMemory, 4}} {
		o := options(t)
		o.Memory, o.Workers = test.memory, test.workers
		table := build(t, src, o)
		if (table.Spilled() > 0) != (i > 0) {
			t.Errorf("with %d bytes of memory %d are on disk", test.memory, table.Spilled())
		}
		var sum state.Checksum
		var names []string
		for _, c := range table.Columns {
			names = append(names, c.Name)
		}
		for row, err := range table.Rows(t.Context()) {
			if err == nil {
				err = sum.Add(row)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		got := append(rowsOf(t, table), sum.String(), strings.Join(names, ","))
		if first == nil {
			first = got
		}
		if len(got) != 30_002 || !slices.Equal(got, first) {
			t.Errorf("%d rows, %v; at first %d, %v", len(got)-2, got[len(got)-2:], len(first)-2, first[len(first)-2:])
		}
		table.Close()
	}
}
