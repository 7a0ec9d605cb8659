package e2e

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tidemark-io/tidemark/deploy/local"
)

// testPostgres: tables of a real database come back, as they were at moments
// between its commits, out of the archive of their changes.
func testPostgres(t *testing.T, w *world) {
	local.RequirePostgres(t)
	server, err := local.StartPostgres(t.Context(), local.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	source := w.connect(t, server.URL)
	wl := w.newWorkload(t, source)
	wl.run(160, 8)
	t.Logf("workload: %v, %d moments", wl.counts, len(wl.moments))

	a := w.newArchive(t, "tables", accounts.topic(), purchases.topic())
	a.catchUp(t)
	pgExec(t, source, "CREATE DATABASE rebuilt")
	target := pgDatabase(t, server.URL, "rebuilt")
	for i, m := range wl.moments {
		for table, want := range m.sums {
			a.rebuild(t, table, m, want, target, table.name+"_"+strconv.Itoa(i))
		}
	}
}

// rebuild brings a table back into another database, as a table that the
// program makes and as one with the columns of the source, and compares all
// rows.
func (a *archive) rebuild(t *testing.T, table *pgTable, m pgMoment, want pgSum, url, into string) {
	t.Helper()
	target := a.w.connect(t, url)
	pgExec(t, target, "SET timezone = 'UTC'")
	made := into + "_made"
	state := []string{"--topic", table.topic(), "--to", strconv.FormatInt(m.at, 10), "--into", url, "--table"}
	a.must(t, "state", append(state, made, "--create")...)
	pgExec(t, target, table.ddl(into))
	if table.schemas {
		a.must(t, "state", append(state, into)...)
	} else { // nothing tells the types: text is what comes, and the reader casts it
		pgExec(t, target, fmt.Sprintf("INSERT INTO %s SELECT %s FROM %s", into, table.casts(), made))
	}
	if want.Rows == 0 {
		t.Errorf("%s was empty at %d, so nothing is proven", table.name, m.at)
	}
	if got := sumOf(t, target, into); got != want {
		t.Errorf("%s at %d is %+v, was %+v", table.name, m.at, got, want)
	}
	if got := sumOf(t, target, made); table.schemas && got != want {
		t.Errorf("%s at %d, made by the program, is %+v, was %+v", table.name, m.at, got, want)
	}
	t.Logf("%s at %d: %d rows", table.name, m.at, want.Rows)
}

// casts are the columns of texts as their types.
func (t *pgTable) casts() string {
	var columns []string
	for _, c := range t.columns {
		columns = append(columns, pgx.Identifier{c.name}.Sanitize()+"::text::"+c.typ)
	}
	return strings.Join(columns, ", ")
}

func (w *world) connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// pgDatabase is the URL of another database of the same server.
func pgDatabase(t *testing.T, at, name string) string {
	t.Helper()
	config, err := pgx.ParseConfig(at)
	if err != nil {
		t.Fatal(err)
	}
	return "postgres://" + config.User + ":" + config.Password + "@" + config.Host + ":" + strconv.Itoa(int(config.Port)) + "/" + name + "?sslmode=disable"
}
