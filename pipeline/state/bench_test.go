package state_test

import (
	"context"
	"fmt"
	"iter"
	"syscall"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/state"
)

// changes are so many updates of so many rows, without the copies that a topic
// of the tests makes.
type changes struct {
	records []recordbatch.Record
	bytes   int64
}

func newChanges(n, rows int, schema bool) changes {
	var c changes
	for i := range n {
		id := i * 7919 % rows
		row := func(v int) string {
			return fmt.Sprintf(`{"id":%d,"user_id":"c-%d","status":"paid","amount":"%d.50","currency":"EUR","day":%d,"warehouse":"Kraków","payment_method":"card","token":"%016x","created_at":%d}`, id, id%977, v, v%20000, v*7, 1700000000000+v)
		}
		value := change("u", row(i-rows), row(i), int64(i), 1700000000000+int64(i))
		key := fmt.Sprintf(`{"id":%d}`, id)
		if schema {
			fields := `[{"type":"int64","field":"id"},{"type":"string","field":"user_id"},{"type":"string","field":"status"},{"type":"string","field":"amount"},{"type":"string","field":"currency"},{"type":"int32","name":"io.debezium.time.Date","field":"day"},{"type":"string","field":"warehouse"},{"type":"string","field":"payment_method"},{"type":"string","field":"token"},{"type":"int64","name":"io.debezium.time.Timestamp","field":"created_at"}]`
			value = fmt.Sprintf(`{"schema":{"type":"struct","fields":[{"type":"struct","fields":%[1]s,"optional":true,"field":"before"},{"type":"struct","fields":%[1]s,"optional":true,"field":"after"}]},"payload":%[2]s}`, fields, value)
		}
		c.records = append(c.records, recordbatch.Record{Offset: int64(i), Timestamp: int64(i), Key: []byte(key), Value: []byte(value)})
		c.bytes += int64(len(key) + len(value))
	}
	return c
}

func (c changes) Partitions() []int32 { return []int32{0} }

func (c changes) Records(context.Context, int32) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		for _, rec := range c.records {
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// An op is a record; B/s are those of keys and values.
func BenchmarkBuild(b *testing.B) {
	const records = 50_000
	for _, test := range []struct {
		name   string
		rows   int
		schema bool
		memory int64
	}{
		{"few rows", 1_000, false, 256 << 20},
		{"many rows", records, false, 256 << 20},
		{"many rows on disk", records, false, state.MinMemory},
		{"with schemas", records, true, 256 << 20},
	} {
		src := newChanges(records, test.rows, test.schema)
		b.Run(test.name, func(b *testing.B) {
			o := options(b)
			o.Memory = test.memory
			b.ReportAllocs()
			b.SetBytes(src.bytes / records)
			before := processor(b)
			for n := 0; n < b.N; n += records {
				part := src
				part.records = src.records[:min(records, b.N-n)]
				table, err := state.Build(b.Context(), part, o)
				if err != nil {
					b.Fatal(err)
				}
				table.Close()
			}
			b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processor is the CPU time of this process so far, in ns: on a machine with
// other work the clock says little.
func processor(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// An op is a row.
func BenchmarkRows(b *testing.B) {
	const rows = 50_000
	table := build(b, newChanges(rows, rows, false), options(b))
	b.ReportAllocs()
	for n := 0; n < b.N; {
		var sum state.Checksum
		for row, err := range table.Rows(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			if err := sum.Add(row); err != nil {
				b.Fatal(err)
			}
			if n++; n == b.N {
				break
			}
		}
	}
}
