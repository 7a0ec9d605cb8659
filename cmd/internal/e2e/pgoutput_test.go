package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// The names of what the changes are read through.
const (
	pgSlot        = "tidemark"
	pgPublication = "tidemark"
)

// pgChange is one row that a transaction changed, as logical decoding tells it.
type pgChange struct {
	op       byte // I, U or D
	table    string
	old, row []pgText // old is nil where the log does not hold it
	lsn      int64
	txid     uint32
	commit   int64 // µs since the epoch
}

// pgText is a value in PostgreSQL's text form.
type pgText struct {
	text      string
	null      bool
	unchanged bool // a long value that the log left out
}

// postgresEpoch is 2000-01-01 in µs since the epoch.
const postgresEpoch = 946_684_800_000_000

// pgLog reads what was committed, in the order of the commits (pgoutput,
// protocol version 1).
type pgLog struct {
	conn   *pgx.Conn
	tables map[uint32]string
	txid   uint32
	commit int64
}

func openPgLog(t *testing.T, conn *pgx.Conn) *pgLog {
	t.Helper()
	pgExec(t, conn, "CREATE PUBLICATION "+pgPublication+" FOR ALL TABLES")
	pgExec(t, conn, fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", pgSlot))
	return &pgLog{conn: conn, tables: map[uint32]string{}}
}

// drain returns what was committed since the last call.
func (l *pgLog) drain(ctx context.Context) ([]pgChange, error) {
	rows, err := l.conn.Query(ctx, `SELECT (lsn - '0/0')::bigint, data FROM pg_logical_slot_get_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', $2)`,
		pgSlot, pgPublication)
	if err != nil {
		return nil, err
	}
	var found []pgChange
	var lsn int64
	var message []byte
	_, err = pgx.ForEachRow(rows, []any{&lsn, &message}, func() error {
		c, ok, err := l.message(message)
		if ok {
			c.lsn = lsn
			found = append(found, c)
		}
		return err
	})
	return found, err
}

// message is ok for a change of a row.
func (l *pgLog) message(b []byte) (c pgChange, ok bool, err error) {
	r := &pgReader{b: b[1:]}
	switch b[0] {
	case 'B':
		r.take(8)
		l.commit = int64(r.number(8)) + postgresEpoch
		l.txid = uint32(r.number(4))
	case 'R':
		id := uint32(r.number(4))
		r.text()
		l.tables[id] = r.text()
	case 'I', 'U', 'D':
		c = pgChange{op: b[0], table: l.tables[uint32(r.number(4))], txid: l.txid, commit: l.commit}
		for len(r.b) > 0 && r.err == nil {
			switch kind := r.take(1)[0]; kind {
			case 'K', 'O':
				c.old = r.tuple()
			case 'N':
				c.row = r.tuple()
			default:
				return c, false, fmt.Errorf("tuple of kind %q", kind)
			}
		}
		return c, true, r.err
	case 'C', 'O', 'Y':
	default:
		return c, false, fmt.Errorf("message of kind %q", b[0])
	}
	return c, false, r.err
}

type pgReader struct {
	b   []byte
	err error
}

func (r *pgReader) take(n int) []byte {
	if n > len(r.b) {
		r.err = fmt.Errorf("message ends early")
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *pgReader) number(n int) uint64 {
	var whole [8]byte
	copy(whole[8-n:], r.take(n))
	return binary.BigEndian.Uint64(whole[:])
}

func (r *pgReader) text() string {
	end := bytes.IndexByte(r.b, 0)
	if end < 0 {
		r.err = fmt.Errorf("text without an end")
		return ""
	}
	return string(r.take(end + 1)[:end])
}

func (r *pgReader) tuple() []pgText {
	values := make([]pgText, r.number(2))
	for i := range values {
		switch kind := r.take(1)[0]; kind {
		case 'n':
			values[i].null = true
		case 'u':
			values[i].unchanged = true
		case 't':
			values[i].text = string(r.take(int(r.number(4))))
		default:
			r.err = fmt.Errorf("value of kind %q", kind)
		}
	}
	return values
}

func pgExec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
