package state_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/state"
)

const (
	k1, k2, k10     = `{"id":1}`, `{"id":2}`, `{"id":10}`
	rowA, rowB      = `{"id":1,"v":"a"}`, `{"id":1,"v":"b"}`
	row2, row10     = `{"id":2,"v":"two"}`, `{"id":10,"v":"ten"}`
	connectEnvelope = `{"schema":{"type":"struct","fields":[{"type":"struct","optional":true,"field":"before","fields":[{"type":"int64","field":"id"}]},{"type":"struct","optional":true,"field":"after","fields":[{"type":"int64","field":"id"},{"type":"int32","name":"io.debezium.time.Date","optional":true,"field":"day"}]},{"type":"string","field":"op"}]},"payload":%s}`
)

func TestChangesBecomeRows(t *testing.T) {
	for name, test := range map[string]struct {
		topic topic
		want  []string
	}{
		"create, update":                                 {of(k1, change("c", "", rowA, 1, 1), k1, change("u", rowA, rowB, 2, 2)), []string{rowB}},
		"delete and tombstone":                           {of(k1, change("c", "", rowA, 1, 1), k1, change("d", rowA, "", 2, 2), k1, ""), nil},
		"delete without tombstone":                       {of(k1, change("c", "", rowA, 1, 1), k1, change("d", rowA, "", 2, 2)), nil},
		"created again":                                  {of(k1, change("c", "", rowA, 1, 1), k1, change("d", rowA, "", 2, 2), k1, "", k1, change("c", "", rowB, 3, 3)), []string{rowB}},
		"a tombstone alone, as compaction leaves it":     {of(k1, "", k2, change("u", "", row2, 5, 5)), []string{row2}},
		"only the last survived compaction":              {of(k1, change("u", rowA, rowB, 9, 9)), []string{rowB}},
		"snapshot rows replace":                          {of(k1, change("c", "", rowA, 1, 1), k1, change("r", "", rowB, 2, 2)), []string{rowB}},
		"a row that the second snapshot lacks stays":     {of(k1, change("r", "", rowA, 1, 1), k2, change("r", "", row2, 1, 1), k1, change("u", rowA, rowB, 2, 2), k1, change("r", "", rowB, 3, 3)), []string{rowB, row2}},
		"a message concerns no row":                      {of(k1, change("c", "", rowA, 1, 1), "", `{"op":"m","source":{"lsn":2},"message":{"prefix":"p","content":"YQ=="}}`), []string{rowA}},
		"truncate ends what was before":                  {of(k1, change("c", "", rowA, 1, 1), "", change("t", "", "", 2, 2), k2, change("c", "", row2, 3, 3)), []string{row2}},
		"a key change as delete and create":              {of(k1, change("d", rowA, "", 2, 2), k1, "", k2, change("c", "", row2, 2, 2)), []string{row2}},
		"a key change as one update, under the new key":  {of(k1, change("c", "", rowA, 1, 1), k2, change("u", rowA, row2, 2, 2)), []string{row2}},
		"a key change as one update, under the old key":  {of(k1, change("c", "", rowA, 1, 1), k1, change("u", rowA, row2, 2, 2)), []string{row2}},
		"keys in numeric order":                          {of(k10, change("c", "", row10, 1, 1), k2, change("c", "", row2, 2, 2)), []string{row2, row10}},
		"the same key, spelt differently":                {of(k1, change("c", "", rowA, 1, 1), ` { "id" : 1.0 } `, change("u", "", rowB, 2, 2)), []string{rowB}},
		"a value that was not changed is the one before": {of(k1, change("c", "", rowA, 1, 1), k1, change("u", "", `{"id":1,"v":"__debezium_unavailable_value","n":3}`, 2, 2)), []string{`{"id":1,"v":"a","n":3}`}},
		"with a schema":                                  {of(`{"schema":{"type":"struct","fields":[{"type":"int64","field":"id"}]},"payload":{"id":1}}`, fmt.Sprintf(connectEnvelope, `{"before":null,"after":{"id":1,"day":19785},"op":"c"}`), k2, fmt.Sprintf(connectEnvelope, `{"before":null,"after":{"id":2,"day":null},"op":"c"}`)), []string{`{"id":1,"day":"2024-03-03"}`, `{"id":2}`}},
		"MongoDB's row is a text":                        {of(`{"id":"\"7\""}`, `{"before":null,"after":"{\"_id\":\"7\",\"n\":1}","source":{"collection":"c"},"op":"c"}`), []string{`{"_id":"7","n":1}`}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, test.topic, options(t), test.want...) })
	}
}

func TestRowsWithoutEnvelope(t *testing.T) {
	for name, test := range map[string]struct {
		topic topic
		want  []string
	}{
		"the last value by key":                      {of("b", `{"n":1}`, "a", `{"n":2}`, "b", `{"n":3}`), []string{`{"_key":"a","n":2}`, `{"_key":"b","n":3}`}},
		"null is gone":                               {of("a", `{"n":1}`, "b", `{"n":2}`, "a", ""), []string{`{"_key":"b","n":2}`}},
		"a key that is no text":                      {of("\xff", `{"n":1}`), []string{`{"_key":"/w==","n":1}`}},
		"a structured key adds what the value lacks": {of(`{"id":7,"n":0}`, `{"n":1}`), []string{`{"id":7,"n":1}`}},
		"a value that is no object":                  {of("a", `5`), []string{`{"_key":"a","value":5}`}},
		"flattened": {of(k1, `{"id":1,"v":"a","__op":"c","__lsn":5,"__deleted":"false"}`, k2, `{"id":2,"v":"x","__op":"c","__deleted":"false"}`,
			k2, `{"id":2,"v":"x","__op":"d","__deleted":"true"}`), []string{rowA}},
		"flattened, op only": {of(k1, `{"id":1,"v":"a","__op":"c"}`, k1, `{"id":1,"v":null,"__op":"d"}`), nil},
	} {
		t.Run(name, func(t *testing.T) { expect(t, test.topic, options(t), test.want...) })
	}
}

// A key that is in two partitions, for the topic grew: which of them is later?
func TestKeyInTwoPartitions(t *testing.T) {
	for name, test := range map[string]struct {
		zero, one []string // keys and values
		want      []string
	}{
		"by the database's log, whatever the times":         {[]string{k1, change("c", "", rowA, 9, 1)}, []string{k1, change("u", "", rowB, 2, 5)}, []string{rowA}},
		"by the database's time where one has no log":       {[]string{k1, `{"after":{"id":1,"v":"a"},"source":{"ts_ms":9},"op":"c"}`}, []string{k1, change("u", "", rowB, 2, 5)}, []string{rowA}},
		"a delete's tombstone stands where the delete does": {[]string{k1, change("d", rowA, "", 9, 9), k1, ""}, []string{k1, change("u", "", rowB, 2, 2)}, nil},
		"truncated in the other partition":                  {[]string{k1, change("c", "", rowA, 5, 5)}, []string{"", change("t", "", "", 6, 6)}, nil},
		"truncated before":                                  {[]string{k1, change("c", "", rowA, 7, 7)}, []string{"", change("t", "", "", 6, 6)}, []string{rowA}},
		"an unchanged value from the other partition":       {[]string{k1, change("c", "", rowA, 5, 5)}, []string{k1, change("u", "", `{"id":1,"v":"__debezium_unavailable_value"}`, 6, 6)}, []string{rowA}},
		"a key change from one to the other":                {[]string{k1, change("c", "", rowA, 5, 5)}, []string{k2, change("u", rowA, row2, 6, 6)}, []string{row2}},
	} {
		t.Run(name, func(t *testing.T) {
			src := of(test.zero...)
			src[1] = of(test.one...)[0]
			expect(t, src, options(t), test.want...)
		})
	}
	t.Run("by the record's time, then by partition", func(t *testing.T) {
		src := of(k1, `{"n":1}`)
		src[1] = of(k1, `{"n":2}`)[0]
		table := expect(t, src, options(t), `{"id":1,"n":2}`)
		if table.Counts.Moved != 1 {
			t.Errorf("%d keys in several partitions, want 1", table.Counts.Moved)
		}
		src[0][0].Timestamp = 5000
		expect(t, src, options(t), `{"id":1,"n":1}`)
	})
}

// A value that did not change is the one before, which may be in another
// partition: if the key came back from there, nobody can tell.
func TestUnchangedValueOfAKeyThatCameBack(t *testing.T) {
	src := of(k1, change("c", "", rowA, 1, 1), k1, change("u", "", `{"id":1,"v":"__debezium_unavailable_value"}`, 9, 9))
	src[1] = of(k1, change("u", "", rowB, 5, 5))[0]
	wantError[*state.UnreadableError](t, src, options(t), "partition 0 offset 1", "another partition")
	src[1] = of(k1, change("r", "", rowB, 0, 0))[0]
	expect(t, src, options(t), rowA)
}

func TestSnapshotReplaces(t *testing.T) {
	src := of(k1, change("r", "", rowA, 1, 1), k2, change("r", "", row2, 1, 1), k1, change("u", rowA, rowB, 2, 2), k1, change("r", "", rowB, 3, 3))
	if table := expect(t, src, options(t), rowB, row2); table.Counts.NotInSnapshot != 1 {
		t.Errorf("%d rows are not in the last snapshot, want 1", table.Counts.NotInSnapshot)
	}
	o := options(t)
	o.SnapshotReplaces = true
	expect(t, src, o, rowB)
}

func TestUnreadable(t *testing.T) {
	for name, record := range map[string][2]string{
		"cut short":           {k1, `{"before":null,"after":{"id":1`},
		"not UTF-8":           {k1, "{\"a\":\"\xff\"}"},
		"an unknown op":       {k1, change("x", "", rowA, 1, 1)},
		"no after":            {k1, change("c", "", "", 1, 1)},
		"no op":               {k1, `{"before":null,"after":{"id":1},"source":{}}`},
		"no key":              {"", change("c", "", rowA, 1, 1)},
		"neither":             {"", ""},
		"an unknown schema":   {k1, "\x00\x00\x00\x00\x07\x02"},
		"an unknown key's":    {"\x00\x00\x00\x00\x07\x02", "\x00\x00\x00\x00\x07\x02"},
		"a value of no type":  {k1, fmt.Sprintf(connectEnvelope, `{"before":null,"after":{"id":"x","day":1},"op":"c"}`)},
		"a value never there": {k1, change("u", "", `{"id":1,"v":"__debezium_unavailable_value"}`, 2, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			src := of(k2, change("c", "", row2, 1, 1), record[0], record[1])
			e := wantError[*state.UnreadableError](t, src, options(t), "cdc", "partition 0 offset 1", "--skip-unreadable")
			if e.Count != 1 || len(e.Records) != 1 || e.Records[0].Offset != 1 {
				t.Errorf("%+v", e)
			}
			o := options(t)
			o.SkipUnreadable = true
			table := build(t, src, o)
			if len(table.Unreadable) != 1 || !slices.Contains(rowsOf(t, table), row2) {
				t.Errorf("%+v, rows %v", table.Unreadable, rowsOf(t, table))
			}
		})
	}
}

func TestWhatIsNoTable(t *testing.T) {
	wantError[*state.NoTableError](t, of(`{"id":"1"}`, `{"status":"BEGIN","id":"571:5","event_count":null,"data_collections":null}`), options(t), "transaction metadata", "partition 0 offset 0")
	wantError[*state.NoTableError](t, of(`{"serverName":"s"}`, `{"ts_ms":1}`), options(t), "heartbeats")
	wantError[*state.NoTableError](t, of(`{"databaseName":"s"}`, `{"databaseName":"s","ddl":"CREATE"}`), options(t), "schema changes")
	wantError[*state.NoTableError](t, of("p", `{"op":"m","source":{},"message":{}}`), options(t), "messages")
	wantError[*state.MixedError](t, of(k1, change("c", "", rowA, 1, 1), k2, `{"id":2}`), options(t), "offset 0", "offset 1", "--rows")
	other := `{"after":{"id":1},"source":{"table":"people","schema":"public"},"op":"c"}`
	wantError[*state.TablesError](t, of(k1, change("c", "", rowA, 1, 1), k2, other), options(t), "public.orders, public.people")
}

func TestOneTableOfSeveral(t *testing.T) {
	src := of(k1, change("c", "", rowA, 1, 1), k1, `{"after":{"id":1,"name":"x"},"source":{"table":"people","schema":"public"},"op":"c"}`)
	for _, asked := range []string{"people", "public.people"} {
		o := options(t)
		o.Tables = []string{asked}
		expect(t, src, o, `{"id":1,"name":"x"}`)
	}
	o := options(t)
	o.Tables = []string{"*"}
	expect(t, src, o, `{"id":1,"name":"x"}`)
}

func TestForms(t *testing.T) {
	src := of(k1, change("c", "", rowA, 1, 1), k2, `{"id":2}`)
	o := options(t)
	o.Form = state.FormChanges
	wantError[*state.UnreadableError](t, src, o, "no Debezium envelope")
	o.Form = state.FormRows
	expect(t, of(k1, `{"op":"c","after":null}`), o, `{"id":1,"op":"c"}`)
}

func TestKeyColumns(t *testing.T) {
	o := options(t)
	o.KeyColumns = []string{"id"}
	src := of("", change("c", "", rowA, 1, 1), "", change("u", rowA, rowB, 2, 2), "", change("c", "", row2, 3, 3), "", change("d", row2, "", 4, 4), "", change("u", rowB, row10, 5, 5))
	table := expect(t, src, o, row10)
	if !slices.Equal(table.PrimaryKey(), []string{"id"}) {
		t.Errorf("primary key %v", table.PrimaryKey())
	}
	wantError[*state.UnreadableError](t, of("", change("c", "", `{"v":1}`, 1, 1)), o, "key id")
	wantError[*state.UnreadableError](t, of("", change("c", "", rowA, 1, 1)), options(t), "--key-columns")
}
