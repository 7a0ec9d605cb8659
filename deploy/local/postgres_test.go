package local_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemark-io/tidemark/deploy/local"
)

func startPostgres(t *testing.T, o local.PostgresOptions) *local.Postgres {
	t.Helper()
	local.RequirePostgres(t)
	begin := time.Now()
	p, err := local.StartPostgres(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("PostgreSQL answered after %s", time.Since(begin).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(testContext(t), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// What the tests of tables need: changes can be decoded, and what was written
// outlives a restart.
func TestPostgresDecodesChanges(t *testing.T) {
	p := startPostgres(t, local.PostgresOptions{Settings: map[string]string{"max_connections": "7"}})
	c := connect(t, p.URL)
	for _, sql := range []string{
		"CREATE TABLE kept (id bigint PRIMARY KEY, name text)",
		"CREATE PUBLICATION all_tables FOR ALL TABLES",
		"SELECT pg_create_logical_replication_slot('slot', 'pgoutput')",
		"INSERT INTO kept VALUES (1, 'Größe')",
	} {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	var changes, connections int
	const count = "SELECT count(*), current_setting('max_connections')::int FROM pg_logical_slot_get_binary_changes('slot', NULL, NULL, 'proto_version', '1', 'publication_names', 'all_tables')"
	if err := c.QueryRow(t.Context(), count).Scan(&changes, &connections); err != nil || changes != 4 || connections != 7 {
		t.Errorf("%d messages (want begin, relation, insert, commit), %d connections, %v", changes, connections, err)
	}
	if err := p.Restart(testContext(t)); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := connect(t, p.URL).QueryRow(t.Context(), "SELECT name FROM kept").Scan(&name); err != nil || name != "Größe" {
		t.Errorf("after a restart: %q, %v", name, err)
	}
}

func TestPostgresAsksForThePassword(t *testing.T) {
	p := startPostgres(t, local.PostgresOptions{})
	config, err := pgx.ParseConfig(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.Password = "guessed"
	if c, err := pgx.ConnectConfig(testContext(t), config); err == nil {
		t.Errorf("a wrong password was taken: %v", c.Config().User)
	}
}

// The server runs as somebody else than root, and dies with whoever started it:
// the settings that change the user must not undo that.
func TestPostgresIsNotRoots(t *testing.T) {
	p := startPostgres(t, local.PostgresOptions{})
	out, err := exec.Command("ps", "-o", "uid=", "-p", strconv.Itoa(p.PID())).Output()
	if uid := strings.TrimSpace(string(out)); err != nil || uid == "0" || os.Geteuid() != 0 && uid != strconv.Itoa(os.Geteuid()) {
		t.Errorf("it runs as %q, %v", uid, err)
	}
}
