package state_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// topic is a source in memory.
type topic map[int32][]recordbatch.Record

func (t topic) Partitions() []int32 { return slices.Sorted(maps.Keys(t)) }

func (t topic) Records(ctx context.Context, p int32) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		for _, rec := range t[p] {
			// What was yielded must not be used after the next one.
			rec.Key, rec.Value = slices.Clone(rec.Key), slices.Clone(rec.Value)
			if !yield(rec, ctx.Err()) {
				return
			}
			for i := range rec.Key {
				rec.Key[i] = '#'
			}
			for i := range rec.Value {
				rec.Value[i] = '#'
			}
		}
	}
}

// add appends a record; "" is null. Its time is its offset plus 1000.
func (t topic) add(p int32, key, value string) {
	rec := recordbatch.Record{Offset: int64(len(t[p])), Timestamp: 1000 + int64(len(t[p]))}
	if key != "" {
		rec.Key = []byte(key)
	}
	if value != "" {
		rec.Value = []byte(value)
	}
	t[p] = append(t[p], rec)
}

// of makes a topic of one partition, of keys and values in turn.
func of(keysAndValues ...string) topic {
	t := topic{0: nil}
	for i := 0; i < len(keysAndValues); i += 2 {
		t.add(0, keysAndValues[i], keysAndValues[i+1])
	}
	return t
}

func options(t testing.TB) state.Options {
	return state.Options{Topic: "cdc", KeyColumn: state.DefaultKeyColumn, Memory: state.MinMemory, Workers: 2, Dir: t.TempDir()}
}

func build(t testing.TB, src state.Source, o state.Options) *state.Table {
	t.Helper()
	table, err := state.Build(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.Close)
	return table
}

// rowsOf returns rows as JSON objects without their nulls.
func rowsOf(t testing.TB, table *state.Table) []string {
	t.Helper()
	var rows []string
	for row, err := range table.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		var fields []string
		for i, v := range row {
			if !v.Null {
				fields = append(fields, string(append(append(cell.AppendString(nil, table.Columns[i].Name), ':'), cell.AppendJSON(nil, v.Kind, v.Text)...)))
			}
		}
		line := "{" + strings.Join(fields, ",") + "}"
		if !json.Valid([]byte(line)) {
			t.Errorf("%s is no JSON", line)
		}
		rows = append(rows, line)
	}
	return rows
}

func expect(t *testing.T, src state.Source, o state.Options, want ...string) *state.Table {
	t.Helper()
	table := build(t, src, o)
	if got := rowsOf(t, table); !slices.Equal(got, want) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if table.Counts.Rows != int64(len(want)) {
		t.Errorf("%d rows are counted, want %d", table.Counts.Rows, len(want))
	}
	return table
}

// change writes an envelope; rows are JSON, "" is null.
func change(op, before, after string, lsn, ms int64) string {
	orNull := func(s string) string {
		if s == "" {
			return "null"
		}
		return s
	}
	return fmt.Sprintf(`{"before":%s,"after":%s,"source":{"table":"orders","schema":"public","snapshot":"%t","lsn":%d,"ts_ms":%d},"op":%q,"ts_ms":%d}`,
		orNull(before), orNull(after), op == "r", lsn, ms, op, ms+1)
}

func wantError[E error](t *testing.T, src state.Source, o state.Options, words ...string) E {
	t.Helper()
	table, err := state.Build(t.Context(), src, o)
	if table != nil {
		table.Close()
	}
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("%T (%v), want %T", err, err, e)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	return e
}
