package out_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemark-io/tidemark/deploy/local"
	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/out"
)

// serverStart bounds the start of PostgreSQL.
const serverStart = time.Minute

// server is started by the first test that needs it, and ended by TestMain.
var server = sync.OnceValues(func() (*local.Postgres, error) {
	ctx, cancel := context.WithTimeout(context.Background(), serverStart)
	defer cancel()
	return local.StartPostgres(ctx, local.PostgresOptions{})
})

var started atomic.Bool

func TestMain(m *testing.M) {
	code := m.Run()
	if started.Load() {
		if s, err := server(); err == nil {
			if err := s.Close(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

var databases atomic.Int32

// connect opens a session on a database of the test's own.
func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	local.RequirePostgres(t)
	started.Store(true)
	s, err := server()
	if err != nil {
		t.Fatal(err)
	}
	first := open(t, s.URL)
	name := fmt.Sprintf("test_%d", databases.Add(1))
	exec(t, first, "CREATE DATABASE "+name)
	return open(t, strings.Replace(s.URL, "/postgres?", "/"+name+"?", 1))
}

func open(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// kinds are values of every type as Debezium writes them, with the same in SQL:
// the type of the column at the source, and what it holds.
func kinds() []struct {
	column
	sqlType string
	sql     []string
} {
	b64 := func(b ...byte) string { return `"` + base64.StdEncoding.EncodeToString(b) + `"` }
	return []struct {
		column
		sqlType string
		sql     []string
	}{
		{column{"bool", `"type":"boolean"`, []string{"true", "false", "null"}}, "boolean", []string{"true", "false", "NULL"}},
		{column{"int", `"type":"int64"`, []string{"9223372036854775807", "-9223372036854775808", "0"}}, "bigint", []string{"9223372036854775807", "-9223372036854775808", "0"}},
		{column{"dec", `"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}`, []string{b64(0x04, 0xd2), b64(0xff, 0x85), b64(0)}}, "numeric(12,4)", []string{"12.34", "-1.23", "0"}},
		{column{"big", `"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"-2"}`, []string{b64(0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), b64(0x80, 0, 0, 0, 0, 0, 0, 0, 0), "null"}}, "numeric", []string{"236118324143482260684700", "-236118324143482260684800", "NULL"}},
		{column{"vary", `"type":"struct","name":"io.debezium.data.VariableScaleDecimal"`, []string{`{"scale":3,"value":` + b64(5) + `}`, `{"scale":0,"value":` + b64(0xfb) + `}`, "null"}}, "numeric", []string{"0.005", "-5", "NULL"}},
		{column{"f4", `"type":"float"`, []string{"1.5", "1e6", `"NaN"`}}, "real", []string{"1.5", "1e6", "'NaN'"}},
		{column{"f8", `"type":"double"`, []string{"0.1", "1e15", `"-Infinity"`}}, "double precision", []string{"0.1", "1e15", "'-Infinity'"}},
		{column{"f8b", `"type":"double"`, []string{"123456789012345", "0.0001", "0.00001"}}, "double precision", []string{"123456789012345", "0.0001", "0.00001"}},
		{column{"f8c", `"type":"double"`, []string{"-0.0", "1.7976931348623157e308", "5e-324"}}, "double precision", []string{"'-0'", "1.7976931348623157e308", "5e-324"}},
		{column{"text", `"type":"string"`, []string{`"tab\tline\nquote' back\\slash \"q\""`, `""`, `"\\N"`}}, "text", []string{`E'tab\tline\nquote'' back\\slash "q"'`, "''", `E'\\N'`}},
		{column{"char", `"type":"string"`, []string{`"ab   "`, `"x,y  "`, `"     "`}}, "char(5)", []string{"'ab'", "'x,y'", "''"}},
		{column{"bytes", `"type":"bytes"`, []string{b64(0, 1, 255, '\\'), b64(), "null"}}, "bytea", []string{`'\x0001ff5c'`, `''`, "NULL"}},
		{column{"date", `"type":"int32","name":"io.debezium.time.Date"`, []string{"19785", "-1000000", "2932897"}}, "date", []string{"'2024-03-03'", "date '1970-01-01' - 1000000", "date '10000-01-01'"}},
		{column{"cdate", `"type":"int32","name":"org.apache.kafka.connect.data.Date"`, []string{"0", "-1", "null"}}, "date", []string{"'1970-01-01'", "'1969-12-31'", "NULL"}},
		{column{"time", `"type":"int64","name":"io.debezium.time.MicroTime"`, []string{"0", "86400000000", "3723000100"}}, "time", []string{"'00:00'", "'24:00'", "'01:02:03.0001'"}},
		{column{"mtime", `"type":"int32","name":"io.debezium.time.Time"`, []string{"1", "1000", "null"}}, "time", []string{"'00:00:00.001'", "'00:00:01'", "NULL"}},
		{column{"ztime", `"type":"string","name":"io.debezium.time.ZonedTime"`, []string{`"10:15:30.5Z"`, `"10:15:30+02:00"`, "null"}}, "timetz", []string{"'12:15:30.5+02'", "'08:15:30+00'", "NULL"}},
		{column{"ts", `"type":"int64","name":"io.debezium.time.MicroTimestamp"`, []string{"1709467200123456", "-62167219200000001", "9223372036825200000"}}, "timestamp", []string{"'2024-03-03 12:00:00.123456'", "timestamp '0001-01-01' - interval '1 year' - interval '1 day' - interval '1 microsecond' + interval '1 day'", "'infinity'"}},
		{column{"nts", `"type":"int64","name":"io.debezium.time.NanoTimestamp"`, []string{"1709467200123456999", "-1", "1"}}, "timestamp", []string{"'2024-03-03 12:00:00.123456'", "'1969-12-31 23:59:59.999999'", "'1970-01-01'"}},
		{column{"mts", `"type":"int64","name":"io.debezium.time.Timestamp"`, []string{"1709467200120", "0", "-1"}}, "timestamp(3)", []string{"'2024-03-03 12:00:00.12'", "'1970-01-01'", "'1969-12-31 23:59:59.999'"}},
		{column{"zts", `"type":"string","name":"io.debezium.time.ZonedTimestamp"`, []string{`"2024-03-03T12:00:00.123456Z"`, `"2024-03-03T12:00:00+05:30"`, "null"}}, "timestamptz", []string{"'2024-03-03 12:00:00.123456+00'", "'2024-03-03 06:30:00+00'", "NULL"}},
		{column{"iv", `"type":"string","name":"io.debezium.time.Interval"`, []string{`"P1Y2M3DT4H5M6.700000S"`, `"P0Y0M0DT0H0M0S"`, `"P0Y-1M0DT-1H0M-0.5S"`}}, "interval", []string{"'1 year 2 months 3 days 04:05:06.7'", "'0'", "'-1 month -01:00:00.5'"}},
		{column{"dur", `"type":"int64","name":"io.debezium.time.MicroDuration"`, []string{"1500000", "-3661000000", "0"}}, "interval", []string{"'1.5 seconds'", "'-01:01:01'", "'0'"}},
		{column{"uuid", `"type":"string","name":"io.debezium.data.Uuid"`, []string{`"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"`, "null", "null"}}, "uuid", []string{"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "NULL", "NULL"}},
		{column{"json", `"type":"string","name":"io.debezium.data.Json"`, []string{`"{\"bb\": [1, 2.50, \"x\\u000by\"], \"a\":null}"`, `"\"text\""`, `"1e2"`}}, "jsonb", []string{`'{"a": null, "bb": [1, 2.50, "x\u000by"]}'`, `'"text"'`, "'100'"}},
		{column{"xml", `"type":"string","name":"io.debezium.data.Json"`, []string{`"{ \"z\" : 1 , \"a\": 2}"`, "null", "null"}}, "json", []string{`'{"z":1,"a":2}'`, "NULL", "NULL"}},
		{column{"enum", `"type":"string","name":"io.debezium.data.Enum"`, []string{`"new"`, `"paid"`, "null"}}, "mood", []string{"'new'", "'paid'", "NULL"}},
		{column{"bits", `"type":"bytes","name":"io.debezium.data.Bits","parameters":{"length":"10"}`, []string{b64(0b101, 0b10), b64(0, 0), "null"}}, "bit(10)", []string{"B'1000000101'", "B'0000000000'", "NULL"}},
		{column{"ints", `"type":"array","items":{"type":"int32"}`, []string{"[1,null,-3]", "[]", "null"}}, "integer[]", []string{"'{1,NULL,-3}'", "'{}'", "NULL"}},
		{column{"texts", `"type":"array","items":{"type":"string"}`, []string{`["a b","","null","q\"\\{,}"]`, "[]", "null"}}, "text[]", []string{`ARRAY['a b','','null','q"\{,}']`, "'{}'", "NULL"}},
		{column{"dates", `"type":"array","items":{"type":"int32","name":"io.debezium.time.Date"}`, []string{`[0,19785]`, "[]", "null"}}, "date[]", []string{`'{1970-01-01,2024-03-03}'`, "'{}'", "NULL"}},
		{column{"stamps", `"type":"array","items":{"type":"int64","name":"io.debezium.time.MicroTimestamp"}`, []string{`[1]`, "[]", "null"}}, "timestamp[]", []string{`'{1970-01-01 00:00:00.000001}'`, "'{}'", "NULL"}},
	}
}

// What PostgreSQL prints for a value, the text of a cell has to be: with every
// type, the checksum of the rows must be the source's, and the source's rows
// must come back into a table made for them and into one like the source.
func TestPostgresHasTheSameRows(t *testing.T) {
	conn := connect(t)
	exec(t, conn, "CREATE TYPE mood AS ENUM ('new', 'paid')")
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			table := typed(t, k.column)
			source, like, made := "source_"+k.name, "like_"+k.name, "made_"+k.name
			exec(t, conn, fmt.Sprintf(`CREATE TABLE %s (%q %s, id bigint PRIMARY KEY)`, source, k.name, k.sqlType))
			for i, v := range k.sql {
				exec(t, conn, fmt.Sprintf(`INSERT INTO %s (id, %q) VALUES (%d, %s)`, source, k.name, i+1, v))
			}
			exec(t, conn, fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)", like, source))
			want := checksum(t, conn, source, table.Columns)
			for _, name := range []string{like, made} {
				got, err := out.Load(t.Context(), table, conn, out.Name{Table: name}, name == made)
				if err != nil {
					t.Fatal(err)
				}
				if got.Rows != want.Rows || got.Checksum != want.Checksum {
					t.Errorf("%s: %+v, the source has %+v", name, got, want)
				}
			}
			if k.name == "xml" || k.name == "ztime" {
				return // the same in other words, which the checksum looks through
			}
			var differ int
			if err := conn.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %[1]s a FULL JOIN %[2]s b USING (id) WHERE a.%[3]q::text IS DISTINCT FROM b.%[3]q::text`, source, like, k.name)).Scan(&differ); err != nil || differ > 0 {
				t.Errorf("%d rows of %s are not the source's, %v", differ, like, err)
			}
		})
	}
}

func checksum(t *testing.T, conn *pgx.Conn, table string, columns []state.Column) out.Result {
	t.Helper()
	exec(t, conn, state.Session)
	var r out.Result
	if err := conn.QueryRow(t.Context(), state.QueryText(table, columns)).Scan(&r.Rows, &r.Checksum); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPostgresTakesTheSQL(t *testing.T) {
	conn := connect(t)
	var columns []column
	for _, k := range kinds() {
		columns = append(columns, k.column)
	}
	table := typed(t, columns...)
	exec(t, conn, write(t, table, out.Options{Format: out.SQL, Table: out.Name{Table: `odd"; DROP TABLE x; --`}, Create: true}))
	want, err := out.Load(t.Context(), table, conn, out.Name{Table: "copied"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := checksum(t, conn, `"odd""; DROP TABLE x; --"`, table.Columns); got.Checksum != want.Checksum {
		t.Errorf("%+v by SQL, %+v by COPY", got, want)
	}
}

func TestPostgresRefuses(t *testing.T) {
	conn := connect(t)
	table := tableOf(t, `{"id":1,"v":"a"}`, `{"id":2,"v":"b"}`)
	for name, sql := range map[string]string{
		"not empty":     "CREATE TABLE t (id bigint, v text); INSERT INTO t VALUES (0, 'x')",
		"no column v":   "CREATE TABLE t (id bigint)",
		"column w":      "CREATE TABLE t (id bigint, v text, w text)",
		"changed":       "CREATE TABLE t (id bigint, v text); CREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v = upper(NEW.v); RETURN NEW; END $$; CREATE TRIGGER up BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION up()",
		"--create":      "SELECT 1",
		"violates":      "CREATE TABLE t (id bigint CHECK (id < 2), v text)",
		"generated too": "CREATE TABLE t (id bigint, v text GENERATED ALWAYS AS ('a') STORED)",
	} {
		exec(t, conn, "DROP TABLE IF EXISTS t; DROP FUNCTION IF EXISTS up")
		exec(t, conn, sql)
		_, err := out.Load(t.Context(), table, conn, out.Name{Table: "t"}, false)
		word, _, _ := strings.Cut(name, " too")
		if word == "generated" {
			word = "no column v"
		}
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", name, err)
		}
		if different := (*out.DifferentError)(nil); errors.As(err, &different) != (name == "changed") {
			t.Errorf("%s: %T", name, err)
		}
		if n := count(t, conn); n > 1 {
			t.Errorf("%s: %d rows were kept", name, n)
		}
	}
}

// count is how many rows t has, 0 if it is not there.
func count(t *testing.T, conn *pgx.Conn) int {
	t.Helper()
	var n int
	err := conn.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&n)
	if err != nil && !strings.Contains(err.Error(), "does not exist") {
		t.Fatal(err)
	}
	return n
}

func TestPostgresWithColumnsOfItsOwn(t *testing.T) {
	conn := connect(t)
	table := tableOf(t, `{"id":1,"v":["a","b"],"n":1.5,"b":true}`)
	exec(t, conn, "CREATE TABLE t (n numeric(10,3), twice numeric GENERATED ALWAYS AS (n * 2) STORED, b bit(1), v text[], id int GENERATED ALWAYS AS IDENTITY)")
	if _, err := out.Load(t.Context(), table, conn, out.Name{Schema: "public", Table: "t"}, false); err != nil {
		t.Fatal(err)
	}
	zero := tableOf(t, `{"id":1,"v":"a\u0000b"}`)
	if _, err := out.Load(t.Context(), zero, conn, out.Name{Table: "z"}, true); err == nil || !strings.Contains(err.Error(), "U+0000") {
		t.Error(err)
	}
	if count(t, conn) != 1 {
		t.Error("the row is not there")
	}
}

// What CSV says is what COPY reads.
func TestPostgresTakesTheCSV(t *testing.T) {
	conn := connect(t)
	var columns []column
	for _, k := range kinds() {
		columns = append(columns, k.column)
	}
	table := typed(t, columns...)
	want, err := out.Load(t.Context(), table, conn, out.Name{Table: "t"}, true)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "CREATE TABLE c (LIKE t)")
	csv := write(t, table, out.Options{Format: out.CSV})
	header, _, _ := strings.Cut(csv, "\n")
	if _, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader(csv), "COPY c ("+header+") FROM STDIN (FORMAT csv, HEADER)"); err != nil {
		t.Fatal(err)
	}
	if got := checksum(t, conn, "c", table.Columns); got.Checksum != want.Checksum {
		t.Errorf("%+v by CSV, %+v by COPY", got, want)
	}
}

// Without a schema nothing says what a number or a text is but the table that
// it goes into.
func TestPostgresSaysTheTypesWhereTheTopicDoesNot(t *testing.T) {
	conn := connect(t)
	exec(t, conn, "CREATE DOMAIN money2 AS numeric(12,2)")
	const columns = `id bigint, day date, ts timestamp, ts3 timestamp(3), tm time, tm3 time(3), zoned timestamptz, iv interval, raw bytea, uid uuid, doc jsonb,
		dec numeric(12,4), dec64 numeric(10,2), dom money2, whole numeric, f8 float8, f4 real, n int, tags text[], txt text, flag boolean`
	exec(t, conn, "CREATE TABLE source ("+columns+"); CREATE TABLE t (LIKE source)")
	exec(t, conn, `INSERT INTO source VALUES (1, '2024-03-03', '2024-03-03 12:00:00.123456', '2024-03-03 12:00:00.12', '01:02:03.000004', '01:02:03.004', '2024-03-03 12:00:00.5+00', '01:00:00.5',
		'\x00ff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1.50}', 12.5, 12.34, 7.25, 5, 0.12345678901234568, 0.1, 7, '{a,b}', '2024', true); INSERT INTO source (id) VALUES (2)`)
	table := tableOf(t, `{"id":1,"day":19785,"ts":1709467200123456,"ts3":1709467200120,"tm":3723000004,"tm3":3723004,"zoned":"2024-03-03T12:00:00.5Z","iv":3600500000,
		"raw":"AP8=","uid":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11","doc":"{\"a\":1.50}","dec":"12.5000","dec64":"BNI=","dom":"7.25","whole":"5","f8":0.12345678901234568,"f4":0.1,"n":"7","tags":["a","b"],"txt":"2024","flag":true}`, `{"id":2}`)
	got, err := out.Load(t.Context(), table, conn, out.Name{Table: "t"}, false)
	if err != nil {
		t.Fatal(err)
	}
	var differ, sum string
	if err := conn.QueryRow(t.Context(), `SELECT coalesce(string_agg(a::text || ' ' || b::text, '; '), '') FROM source a FULL JOIN t b USING (id) WHERE a IS DISTINCT FROM b`).Scan(&differ); err != nil || differ != "" {
		t.Errorf("%s, %v", differ, err)
	}
	// The query that is told works on the source as well.
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT n, sum::text FROM ("+strings.Replace(got.Query, `FROM "t"`, "FROM source", 1)+") AS x (n, sum)").Scan(&n, &sum); err != nil || sum != got.Checksum || n != 2 {
		t.Errorf("%d rows, %s, %v; %+v were sent", n, sum, err, got)
	}
	for _, wrong := range []string{`{"id":1,"day":"soon"}`, `{"id":1,"raw":"***"}`, `{"id":1,"zoned":5}`} {
		exec(t, conn, "DROP TABLE IF EXISTS w")
		exec(t, conn, "CREATE TABLE w AS SELECT id, day, raw, zoned FROM source LIMIT 0")
		for _, c := range []string{"day", "raw", "zoned"} {
			if !strings.Contains(wrong, c) {
				exec(t, conn, "ALTER TABLE w DROP "+c)
			}
		}
		if _, err := out.Load(t.Context(), tableOf(t, wrong), conn, out.Name{Table: "w"}, false); err == nil || !strings.Contains(err.Error(), "column ") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
