package events

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// start is a moment in ms at which tests begin.
const start = 1_790_000_000_000

// kept is an event in memory of its own.
type kept struct {
	topic, key, value string
	tombstone         bool
	headers           []recordbatch.RecordHeader
	at                int64
}

func take(seed uint64, opts Options, n int) []kept {
	g := New(seed, opts)
	var all []kept
	for i := range n {
		e := g.Next(start + int64(i)*40)
		all = append(all, kept{e.Topic, string(e.Key), string(e.Value), e.Value == nil, cloneHeaders(e.Headers), e.Timestamp})
	}
	return all
}

func cloneHeaders(hs []recordbatch.RecordHeader) []recordbatch.RecordHeader {
	hs = slices.Clone(hs)
	for i := range hs {
		hs[i].Value = bytes.Clone(hs[i].Value)
	}
	return hs
}

func (k kept) equal(o kept) bool {
	same := func(a, b recordbatch.RecordHeader) bool {
		return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil)
	}
	return k.topic == o.topic && k.key == o.key && k.value == o.value && k.tombstone == o.tombstone && k.at == o.at &&
		slices.EqualFunc(k.headers, o.headers, same)
}

func TestSameSeedMakesTheSameEvents(t *testing.T) {
	a, b, other := take(1, Options{}, 20_000), take(1, Options{}, 20_000), take(2, Options{}, 20_000)
	if !slices.EqualFunc(a, b, kept.equal) {
		t.Error("two generators of one seed differ")
	}
	if slices.EqualFunc(a, other, kept.equal) {
		t.Error("two seeds make the same events")
	}
}

func TestOrdersAreJSONAndFollowEachOther(t *testing.T) {
	last := make(map[string]string)
	for _, e := range take(3, Options{OpenOrders: 500}, 100_000) {
		if e.topic != Orders {
			continue
		}
		if e.tombstone {
			if last[e.key] != "OrderDeleted" {
				t.Fatalf("order %s: a tombstone after %q", e.key, last[e.key])
			}
			last[e.key] = "Tombstone"
			continue
		}
		var v struct {
			EventType    string `json:"event_type"`
			EventID      string `json:"event_id"`
			OrderID      string `json:"order_id"`
			ConsentToken string `json:"consent_token"`
			Checksum     string `json:"checksum"`
			Items        []struct {
				SKU   string `json:"sku"`
				Qty   int    `json:"qty"`
				Price string `json:"price"`
			} `json:"items"`
			TS int64 `json:"ts"`
		}
		if err := json.Unmarshal([]byte(e.value), &v); err != nil {
			t.Fatalf("%v in %s", err, e.value)
		}
		if v.OrderID != e.key || v.TS != e.at || v.EventID == "" || v.ConsentToken == "" {
			t.Fatalf("key %s, time %d, value %s", e.key, e.at, e.value)
		}
		if !comesAfter(last[e.key], v.EventType) {
			t.Fatalf("order %s: %s after %q", e.key, v.EventType, last[e.key])
		}
		if created := v.EventType == "OrderCreated"; created != (len(v.Items) > 0) || created != (len(v.Checksum) == 64) {
			t.Fatalf("wrong fields: %s", e.value)
		}
		last[e.key] = v.EventType
	}
}

func comesAfter(before, now string) bool {
	return slices.Contains(map[string][]string{
		"OrderCreated":   {""},
		"OrderPaid":      {"OrderCreated"},
		"OrderShipped":   {"OrderPaid"},
		"OrderDelivered": {"OrderShipped"},
		"OrderReturned":  {"OrderDelivered"},
		"OrderDeleted":   {"OrderDelivered", "OrderReturned"},
	}[now], before)
}

// envelope is what a reader of Debezium's JSON needs.
type envelope struct {
	Before map[string]any `json:"before"`
	After  map[string]any `json:"after"`
	Source struct {
		TSMs     int64  `json:"ts_ms"`
		LSN      int64  `json:"lsn"`
		TxID     int64  `json:"txId"`
		Table    string `json:"table"`
		Snapshot string `json:"snapshot"`
		Sequence string `json:"sequence"`
	} `json:"source"`
	Op   string `json:"op"`
	TSMs int64  `json:"ts_ms"`
}

func TestEnvelopesTellTheWholeTable(t *testing.T) {
	tables := map[string]map[string]map[string]any{OrderRows: {}, CustomerRows: {}}
	ops := make(map[string]int)
	deleted := make(map[string]bool)
	for _, e := range take(4, Options{OpenOrders: 300, Customers: 300}, 200_000) {
		table := tables[e.topic]
		if table == nil {
			continue
		}
		if e.tombstone {
			if !deleted[e.topic+e.key] {
				t.Fatalf("%s: a tombstone of %s, which was not deleted", e.topic, e.key)
			}
			continue
		}
		var v envelope
		if err := json.Unmarshal([]byte(e.value), &v); err != nil {
			t.Fatalf("%v in %s", err, e.value)
		}
		checkEnvelope(t, e, v, table[e.key])
		ops[v.Op]++
		deleted[e.topic+e.key] = v.Op == "d"
		table[e.key] = v.After
	}
	for _, op := range []string{"c", "u", "d", "r"} {
		if ops[op] == 0 {
			t.Errorf("no %s among %v", op, ops)
		}
	}
}

func checkEnvelope(t *testing.T, e kept, v envelope, row map[string]any) {
	t.Helper()
	if v.TSMs != e.at || v.Source.TSMs == 0 || v.Source.LSN == 0 || v.Source.TxID == 0 || !json.Valid([]byte(v.Source.Sequence)) ||
		"cdc."+v.Source.Table != e.topic || (v.Op == "r") != (v.Source.Snapshot == "true") {
		t.Fatalf("wrong source in %s", e.value)
	}
	var before, after bool
	switch v.Op {
	case "c", "r":
		after = true
	case "u":
		before, after = true, true
	case "d":
		before = true
	}
	if (v.Before != nil) != before || (v.After != nil) != after || !json.Valid([]byte(e.key)) {
		t.Fatalf("wrong shape: %s of %s", e.value, e.key)
	}
	if before && v.Before["status"] == nil && v.Before["version"] != row["version"] {
		t.Fatalf("before is not the row: %s, %v", e.value, row)
	}
}

func TestSnapshotReadsWhatIsThere(t *testing.T) {
	g := New(5, Options{OpenOrders: 100, SnapshotRows: -1})
	for i := range 5_000 {
		if e := g.Next(start + int64(i)); strings.Contains(string(e.Value), `"op":"r"`) {
			t.Fatalf("a snapshot row without a snapshot: %s", e.Value)
		}
	}
	for g.head < len(g.queue) {
		g.Next(start + 5_000)
	}
	g.Snapshot(50)
	reads := make(map[string]int)
	for g.head < len(g.queue) {
		e := g.Next(start + 6_000)
		if !strings.Contains(string(e.Value), `"op":"r"`) {
			t.Fatalf("not a snapshot row: %s", e.Value)
		}
		reads[e.Topic]++
	}
	if reads[OrderRows] != 50 || reads[CustomerRows] == 0 || reads[CustomerRows] > 50 {
		t.Errorf("rows read: %v", reads)
	}
}

func TestShape(t *testing.T) {
	all := take(6, Options{}, 300_000)
	var orders, rows []int
	var repeated, null, empty, none, tombstones, largest, late int
	ids := make(map[string]int)
	for i, e := range all {
		largest = max(largest, len(e.value))
		if i > 0 && e.at < all[i-1].at {
			late++
		}
		switch {
		case e.tombstone:
			tombstones++
		case e.topic == Orders:
			orders = append(orders, len(e.value))
		default:
			rows = append(rows, len(e.value))
		}
		if e.topic == Orders {
			ids[e.key]++
		}
		switch h := e.headers; {
		case len(h) == 0:
			none++
		case len(h) == 4:
			repeated++
		case h[2].Value == nil:
			null++
		case len(h[2].Value) == 0:
			empty++
		}
	}
	slices.Sort(orders)
	slices.Sort(rows)
	if m := orders[len(orders)/2]; m < 220 || m > 260 {
		t.Errorf("median order event: %d bytes, want about 237", m)
	}
	if low, high := rows[len(rows)/20], rows[len(rows)*19/20]; low < 540 || high > 1_250 {
		t.Errorf("most envelopes have %d to %d bytes, want 0.6 to 1.2 KB", low, high)
	}
	if largest < 10_000 || largest > 66_000 {
		t.Errorf("largest value: %d bytes, want a tail to 64 KB", largest)
	}
	for what, n := range map[string]int{"repeated": repeated, "null": null, "empty": empty, "no headers": none, "tombstones": tombstones, "late": late} {
		if n == 0 {
			t.Errorf("%s: not once", what)
		}
	}
	t.Logf("%d order events of %d orders, %d rows, median %d and %d, largest %d", len(orders), len(ids), len(rows),
		orders[len(orders)/2], rows[len(rows)/2], largest)
}

func TestAnOrderHasAboutFiveEvents(t *testing.T) {
	n := make(map[string]int)
	for _, e := range take(7, Options{OpenOrders: 100}, 200_000) {
		if e.topic == Orders {
			n[e.key]++
		}
	}
	sum := 0
	for _, v := range n {
		sum += v
	}
	if mean := float64(sum) / float64(len(n)); mean < 4.7 || mean > 5.3 {
		t.Errorf("%.2f events an order, want about 5", mean)
	}
}

func TestCustomersFollowZipf(t *testing.T) {
	n := make(map[string]int)
	for _, e := range take(8, Options{}, 200_000) {
		if _, rest, ok := strings.Cut(e.value, `"user_id":"`); ok && strings.Contains(e.value, "OrderCreated") {
			user, _, _ := strings.Cut(rest, `"`)
			n[user]++
		}
	}
	if n["c-0"] < 20*max(1, n["c-5000"]) || len(n) < 2_000 {
		t.Errorf("first customer %d orders, the 5000th %d, %d customers", n["c-0"], n["c-5000"], len(n))
	}
}

func TestIDsGrow(t *testing.T) {
	s := snowflake{node: 7}
	last := int64(0)
	for i := range 100_000 {
		at := int64(start + i/9_000 - i%3) // a busy generator whose clock wavers
		id := s.next(at)
		if id <= last || id>>12&1023 != 7 {
			t.Fatalf("id %d after %d", id, last)
		}
		last = id
	}
}

func BenchmarkNext(b *testing.B) {
	g := New(1, Options{})
	at, size := int64(start), int64(0)
	b.ReportAllocs()
	for b.Loop() {
		at += 40
		e := g.Next(at)
		size += int64(len(e.Key) + len(e.Value))
	}
	b.ReportMetric(float64(size)/float64(b.N), "B/event")
}
