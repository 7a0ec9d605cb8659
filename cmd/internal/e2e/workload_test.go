package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The tables of the workload: between them they have the usual types, a key of
// one column and one of two, both forms of Debezium's JSON, both kinds of
// replica identity, and long values that the log leaves out.
var (
	accounts = &pgTable{name: "accounts", schemas: true, full: true, columns: []pgColumn{
		{"id", "bigint", true}, {"owner", "text", false}, {"balance", "numeric(12,2)", false}, {"rate", "numeric", false}, {"active", "boolean", false},
		{"opened", "date", false}, {"seen", "timestamptz", false}, {"changed", "timestamp", false}, {"ref", "uuid", false}, {"doc", "jsonb", false},
		{"blob", "bytea", false}, {"Größe", "int", false}, {"order", "text", false},
	}}
	purchases = &pgTable{name: "purchases", columns: []pgColumn{
		{"tenant", "bigint", true}, {"status", "text", false}, {"id", "uuid", true}, {"amount", "numeric(12,2)", false}, {"paid", "boolean", false},
		{"at", "timestamptz", false}, {"doc", "jsonb", false}, {"body", "text", false},
	}}
)

// ddl makes the table under a name.
func (t *pgTable) ddl(name string) string {
	var columns, key []string
	for _, c := range t.columns {
		quoted := pgx.Identifier{c.name}.Sanitize()
		columns = append(columns, quoted+" "+c.typ)
		if c.key {
			key = append(key, quoted)
		}
	}
	return fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))", name, strings.Join(columns, ", "), strings.Join(key, ", "))
}

// pgSum tells the content of a table: equal sums are equal rows, in every
// column and its type's own text.
type pgSum struct {
	Rows int64
	Sum  string
}

func sumOf(t *testing.T, conn *pgx.Conn, table string) (s pgSum) {
	t.Helper()
	const sql = `SELECT count(*), coalesce(md5(string_agg(r, E'\n' ORDER BY r COLLATE "C")), '') FROM (SELECT to_jsonb(t)::text AS r FROM %s t)`
	if err := conn.QueryRow(t.Context(), fmt.Sprintf(sql+" rows", table)).Scan(&s.Rows, &s.Sum); err != nil {
		t.Fatal(err)
	}
	return s
}

// pgMoment is what the tables were after the last commit at or before a time.
type pgMoment struct {
	at   int64 // ms since the epoch
	sums map[*pgTable]pgSum
}

// workload changes the tables, writes the changes to Kafka, and remembers what
// the tables were.
type workload struct {
	t       *testing.T
	conn    *pgx.Conn
	log     *pgLog
	client  *kgo.Client
	rnd     *rand.Rand
	tables  map[string]*pgTable
	last    int64 // ms of the last event
	moments []pgMoment
	counts  map[string]int
}

// newWorkload makes the tables, with rows in them that only a snapshot tells of.
func (w *world) newWorkload(t *testing.T, conn *pgx.Conn) *workload {
	t.Helper()
	wl := &workload{
		t: t, conn: conn, client: w.dial(t), rnd: w.random(4000), counts: map[string]int{},
		tables: map[string]*pgTable{accounts.name: accounts, purchases.name: purchases},
	}
	for _, table := range wl.tables {
		pgExec(t, conn, table.ddl(table.name))
		if table.full {
			pgExec(t, conn, "ALTER TABLE "+table.name+" REPLICA IDENTITY FULL")
		}
		w.makeTopic(t, table.topic(), 3, nil)
	}
	pgExec(t, conn, "ALTER TABLE purchases ALTER body SET STORAGE EXTERNAL") // long values lie outside the row
	pgExec(t, conn, "SET timezone = 'UTC'")
	wl.transaction(30, true)
	wl.log = openPgLog(t, conn)
	wl.snapshot("initial", accounts, purchases)
	return wl
}

// run goes through so many transactions, and remembers so many moments and the
// end.
func (wl *workload) run(transactions, moments int) {
	wl.t.Helper()
	for i := range transactions {
		wl.transaction(1+wl.rnd.IntN(8), wl.rnd.IntN(10) > 0)
		wl.publish()
		switch {
		case i == transactions/3:
			wl.snapshot("incremental", accounts)
		case i == transactions/2:
			wl.snapshot("incremental", purchases)
		case i%(transactions/moments) == 5:
			wl.remember()
		}
	}
	wl.remember()
}

// transaction commits some changes, or rolls them back.
func (wl *workload) transaction(changes int, commit bool) {
	wl.t.Helper()
	tx, err := wl.conn.Begin(wl.t.Context())
	if err != nil {
		wl.t.Fatal(err)
	}
	for range changes {
		if err := wl.change(wl.t.Context(), tx); err != nil {
			wl.t.Fatal(err)
		}
	}
	if commit {
		err = tx.Commit(wl.t.Context())
	} else {
		err = tx.Rollback(wl.t.Context())
	}
	if err != nil {
		wl.t.Fatal(err)
	}
}

// publish writes what was committed to Kafka.
func (wl *workload) publish() {
	wl.t.Helper()
	changes, err := wl.log.drain(wl.t.Context())
	if err != nil {
		wl.t.Fatal(err)
	}
	for _, c := range changes {
		wl.produce(wl.tables[c.table].records(c)...)
	}
}

// produce writes records in order: each partition's by one client.
func (wl *workload) produce(records ...*kgo.Record) {
	wl.t.Helper()
	for _, r := range records {
		wl.last = max(wl.last, r.Timestamp.UnixMilli())
	}
	if err := wl.client.ProduceSync(wl.t.Context(), records...).FirstErr(); err != nil {
		wl.t.Fatal(err)
	}
}

// snapshot writes all rows as they are now. Nothing is committed meanwhile.
func (wl *workload) snapshot(kind string, of ...*pgTable) {
	wl.t.Helper()
	wl.counts["snapshots"]++
	for _, table := range of {
		var s pgSource
		if err := wl.conn.QueryRow(wl.t.Context(), "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_current_wal_lsn() - '0/0'").Scan(&s.commit, &s.lsn); err != nil {
			wl.t.Fatal(err)
		}
		s.snapshot = kind
		var columns []string
		for _, c := range table.columns {
			columns = append(columns, pgx.Identifier{c.name}.Sanitize()+"::text")
		}
		rows, err := wl.conn.Query(wl.t.Context(), "SELECT "+strings.Join(columns, ", ")+" FROM "+table.name)
		if err != nil {
			wl.t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, table.scan)
		if err != nil {
			wl.t.Fatal(err)
		}
		for _, row := range found {
			wl.produce(table.read(row, s))
		}
	}
}

// scan reads a row as texts, as the log has them.
func (t *pgTable) scan(row pgx.CollectableRow) ([]pgText, error) {
	texts := make([]*string, len(t.columns))
	into := make([]any, len(texts))
	for i := range texts {
		into[i] = &texts[i]
	}
	if err := row.Scan(into...); err != nil {
		return nil, err
	}
	values := make([]pgText, len(texts))
	for i, text := range texts {
		values[i].null = text == nil
		if text == nil {
			continue
		}
		values[i].text = *text
		if t.columns[i].typ == "boolean" {
			values[i].text = (*text)[:1] // a cast says true, the log says t
		}
	}
	return values, nil
}

// remember notes what the tables are, and waits until the database's clock has
// moved on: what is committed next is after the moment.
func (wl *workload) remember() {
	wl.t.Helper()
	m := pgMoment{at: wl.last, sums: map[*pgTable]pgSum{}}
	for _, table := range wl.tables {
		m.sums[table] = sumOf(wl.t, wl.conn, table.name)
	}
	if n := len(wl.moments); n > 0 && maps.Equal(wl.moments[n-1].sums, m.sums) {
		wl.t.Errorf("nothing changed between %d and %d: two moments that prove no more than one", wl.moments[n-1].at, m.at)
	}
	wl.moments = append(wl.moments, m)
	for now := int64(0); now <= m.at; {
		if err := wl.conn.QueryRow(wl.t.Context(), "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM pg_sleep(0.002)").Scan(&now); err != nil {
			wl.t.Fatal(err)
		}
	}
}

// change is one statement, weighted as a shop has them.
func (wl *workload) change(ctx context.Context, tx pgx.Tx) error {
	changes := []struct {
		name   string
		weight int
		do     func(context.Context, pgx.Tx) error
	}{
		{"account opened", 5, wl.openAccount}, {"account changed", 5, wl.changeAccount}, {"account renumbered", 2, wl.renumberAccount},
		{"account closed", 2, wl.closeAccount}, {"account closed and opened", 1, wl.reopenAccount},
		{"purchase", 5, wl.purchase}, {"purchase changed", 5, wl.changePurchase}, {"purchase moved", 2, wl.movePurchase}, {"purchase gone", 2, wl.removePurchase},
	}
	at := wl.rnd.IntN(29)
	for _, c := range changes {
		if at -= c.weight; at < 0 {
			wl.counts[c.name]++
			if err := c.do(ctx, tx); err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			return nil
		}
	}
	return errors.New("the weights do not add up")
}
