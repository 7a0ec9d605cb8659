package out_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/out"
)

// values are the values of a topic of one partition; their keys are 1, 2, ….
type values []string

func (v values) Partitions() []int32 { return []int32{0} }

func (v values) Records(context.Context, int32) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		for i, text := range v {
			if !yield(recordbatch.Record{Offset: int64(i), Key: fmt.Appendf(nil, `{"id":%d}`, i+1), Value: []byte(text)}, nil) {
				return
			}
		}
	}
}

func tableOf(t testing.TB, v ...string) *state.Table {
	t.Helper()
	table, err := state.Build(t.Context(), values(v), state.Options{Topic: "t", Memory: state.MinMemory, Workers: 1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.Close)
	return table
}

// column is the schema of a column and its value in each row, as Kafka Connect
// writes them in JSON.
type column struct {
	name, schema string
	values       []string
}

// typed makes a table with an id and these columns.
func typed(t testing.TB, columns ...column) *state.Table {
	t.Helper()
	var rows []string
	for i := range columns[0].values {
		fields, payload := []string{`{"type":"int64","field":"id"}`}, []string{fmt.Sprintf(`"id":%d`, i+1)}
		for _, c := range columns {
			fields = append(fields, fmt.Sprintf(`{"field":%q,"optional":true,%s}`, c.name, c.schema))
			payload = append(payload, fmt.Sprintf("%q:%s", c.name, c.values[i]))
		}
		rows = append(rows, fmt.Sprintf(`{"schema":{"type":"struct","fields":[%s]},"payload":{%s}}`, strings.Join(fields, ","), strings.Join(payload, ",")))
	}
	return tableOf(t, rows...)
}

func write(t testing.TB, table *state.Table, o out.Options) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := out.Write(t.Context(), table, &b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	table := tableOf(t, `{"id":1,"text":"a,\"b\"\n","n":1.50,"yes":true,"deep":{"b":[1]}}`, `{"id":2,"text":"","n":null}`, `{"id":3,"text":"O'Neil \\ x"}`)
	name := out.Name{Schema: "s", Table: `a"b`}
	for format, want := range map[out.Format]string{
		out.JSONLines: `{"id":1,"text":"a,\"b\"\n","n":1.50,"yes":true,"deep":{"b":[1]}}
{"id":2,"text":"","n":null,"yes":null,"deep":null}
{"id":3,"text":"O'Neil \\ x","n":null,"yes":null,"deep":null}
`,
		out.CSV: `id,text,n,yes,deep
1,"a,""b""
",1.50,true,"{""b"":[1]}"
2,"",,,
3,O'Neil \ x,,,
`,
		out.SQL: `BEGIN;
SET LOCAL client_encoding = 'UTF8';
CREATE TABLE "s"."a""b" (
  "id" bigint,
  "text" text,
  "n" numeric,
  "yes" boolean,
  "deep" jsonb,
  PRIMARY KEY ("id")
);
INSERT INTO "s"."a""b" ("id", "text", "n", "yes", "deep") VALUES
(1,'a,"b"
','1.50','true','{"b":[1]}'),
(2,'',NULL,NULL,NULL),
(3,E'O''Neil \\ x',NULL,NULL,NULL);
COMMIT;
`,
	} {
		if got := write(t, table, out.Options{Format: format, Table: name, Create: true}); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
		}
	}
}

func TestParseName(t *testing.T) {
	for text, want := range map[string]string{
		"orders": `"orders"`, "public.orders": `"public"."orders"`, `"a.b"`: `"a.b"`, `x."a""b"`: `"x"."a""b"`,
		`o"; DROP TABLE x; --`: `"o""; DROP TABLE x; --"`,
	} {
		if n, err := out.ParseName(text); err != nil || n.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, n, err, want)
		}
	}
	for _, text := range []string{"", ".", "a.", "a.b.c", `"a`, `"a"b`, strings.Repeat("x", 64), "a\x00"} {
		if n, err := out.ParseName(text); err == nil {
			t.Errorf("%q became %s", text, n)
		}
	}
}

func TestNamesThatSQLDoesNotKeep(t *testing.T) {
	table := tableOf(t, `{"id":1,"`+strings.Repeat("x", 64)+`":2}`)
	var b bytes.Buffer
	if _, err := out.Write(t.Context(), table, &b, out.Options{Format: out.SQL, Table: out.Name{Table: "t"}}); err == nil || b.Len() > 0 {
		t.Errorf("%v, %d bytes were written", err, b.Len())
	}
	write(t, table, out.Options{Format: out.JSONLines})
}
