package out

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// TargetError reports a target table that is not what the rows need. Nothing
// was written.
type TargetError struct {
	Table, Reason string
}

func (e *TargetError) Error() string { return fmt.Sprintf("table %s: %s", e.Table, e.Reason) }

// DifferentError reports that the database holds other rows than were sent to
// it. The transaction was rolled back.
type DifferentError struct {
	Table      string
	Sent, Held Result
}

func (e *DifferentError) Error() string {
	return fmt.Sprintf("table %s holds %d rows with checksum %s after %d rows with checksum %s were written into it: a trigger, a rule or a type of a column changed them; nothing was kept",
		e.Table, e.Held.Rows, e.Held.Checksum, e.Sent.Rows, e.Sent.Checksum)
}

// Load writes all rows of a table into PostgreSQL in one transaction, with
// COPY: into a table that it makes, if create is true, or into one that is there
// and is empty. Before it commits, the database counts the rows and computes
// their checksum from what it holds; if they differ from what was sent it rolls
// back.
//
// A table that is there may have its columns in another order and of other
// types, as long as these read the same texts: arrays, enums, character types of
// any length. Where the topic has no schema, numbers and texts are read as
// Debezium writes the type that the table has (target.go). Columns that the rows
// do not have must be generated.
func Load(ctx context.Context, t *state.Table, conn *pgx.Conn, name Name, create bool) (Result, error) {
	if err := name.check(); err != nil {
		return Result{}, err
	}
	if err := checkColumns(t.Columns); err != nil {
		return Result{}, &TargetError{name.String(), err.Error()}
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("begin transaction: %w", err)
	}
	result, err := load(ctx, t, tx, name, create)
	if err != nil {
		return result, errors.Join(err, tx.Rollback(context.WithoutCancel(ctx)))
	}
	if err := tx.Commit(ctx); err != nil {
		return result, fmt.Errorf("commit table %s: %w", name, err)
	}
	return result, nil
}

func load(ctx context.Context, t *state.Table, tx pgx.Tx, name Name, create bool) (Result, error) {
	if _, err := tx.Exec(ctx, state.Session); err != nil {
		return Result{}, fmt.Errorf("set up session: %w", err)
	}
	to, err := target(ctx, t, tx, name, create)
	if err != nil {
		return Result{}, err
	}
	sent, err := copyRows(ctx, t, tx, name, to)
	if err != nil {
		return sent, fmt.Errorf("copy into table %s: %w", name, err)
	}
	sent.Query = state.Query(name.String(), to.columns)
	held := Result{Query: sent.Query}
	if err := tx.QueryRow(ctx, state.QueryText(name.String(), to.columns)).Scan(&held.Rows, &held.Checksum); err != nil {
		return sent, fmt.Errorf("compute checksum of table %s: %w", name, err)
	}
	if held != sent {
		return sent, &DifferentError{Table: name.String(), Sent: sent, Held: held}
	}
	return sent, nil
}

// target makes or checks the table, keeps others from writing to it, and
// returns the columns as they are written.
func target(ctx context.Context, t *state.Table, tx pgx.Tx, name Name, create bool) (*mapping, error) {
	if create {
		if _, err := tx.Exec(ctx, createTable(name, t)); err != nil {
			return nil, fmt.Errorf("create table %s: %w", name, err)
		}
		return &mapping{t.Columns, make([]*cell.Type, len(t.Columns))}, nil
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE "+name.String()+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return nil, fmt.Errorf("lock table %s (make it first, or use --create): %w", name, err)
	}
	if err := isEmpty(ctx, tx, name); err != nil {
		return nil, err
	}
	there, err := describe(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	return match(t.Columns, there, name)
}

// copySize is how much is sent at a time, in bytes.
const copySize = 64 << 10

// copyRows sends all rows and returns what was sent.
func copyRows(ctx context.Context, t *state.Table, tx pgx.Tx, name Name, to *mapping) (Result, error) {
	reader, w := io.Pipe()
	var result Result
	done := make(chan error, 1)
	go func() {
		var err error
		result, err = writeCopy(ctx, t, w, to)
		w.CloseWithError(err)
		done <- err
	}()
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN", name, identifiers(columnNames(to.columns)))
	_, err := tx.Conn().PgConn().CopyFrom(ctx, reader, sql)
	reader.CloseWithError(err)
	if mine := <-done; mine != nil && !errors.Is(mine, err) && !errors.Is(mine, io.ErrClosedPipe) {
		return result, mine
	}
	return result, err
}

// writeCopy writes COPY's text format.
func writeCopy(ctx context.Context, t *state.Table, w io.Writer, to *mapping) (Result, error) {
	var result Result
	var sum state.Checksum
	var buffer []byte
	for row, err := range t.Rows(ctx) {
		if err != nil {
			return result, err
		}
		if err := to.apply(row); err != nil {
			return result, err
		}
		if err := sum.Add(row); err != nil {
			return result, err
		}
		if buffer, err = appendCopy(buffer, row); err != nil {
			return result, err
		}
		result.Rows++
		if len(buffer) < copySize {
			continue
		}
		if _, err := w.Write(buffer); err != nil {
			return result, err
		}
		buffer = buffer[:0]
	}
	result.Checksum = sum.String()
	_, err := w.Write(buffer)
	return result, err
}

func appendCopy(dst []byte, row []state.Cell) ([]byte, error) {
	for i, v := range row {
		if i > 0 {
			dst = append(dst, '\t')
		}
		if v.Null {
			dst = append(dst, `\N`...)
			continue
		}
		text, err := Literal(v)
		if err != nil {
			return dst, err
		}
		if bytes.IndexByte(text, 0) >= 0 {
			return dst, errZero
		}
		dst = appendEscaped(dst, text)
	}
	return append(dst, '\n'), nil
}

// appendEscaped escapes what means something in COPY's text format.
func appendEscaped(dst, text []byte) []byte {
	for _, b := range text {
		switch b {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// Look tells before the rows are there whether [Load] will find its table as it
// needs it.
func Look(ctx context.Context, conn *pgx.Conn, name Name, create bool) error {
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1::text) IS NOT NULL", name.String()).Scan(&there); err != nil {
		return fmt.Errorf("look for table %s: %w", name, err)
	}
	switch {
	case create && there:
		return &TargetError{name.String(), "it is there already: name another table, or leave --create out"}
	case create:
		return nil
	case !there:
		return &TargetError{name.String(), "it is not there: make it first, or use --create"}
	}
	return isEmpty(ctx, conn, name)
}

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func isEmpty(ctx context.Context, q querier, name Name) error {
	var full bool
	if err := q.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+name.String()+")").Scan(&full); err != nil {
		return fmt.Errorf("look into table %s: %w", name, err)
	}
	if full {
		return &TargetError{name.String(), "it is not empty: name another table, or empty it"}
	}
	return nil
}
