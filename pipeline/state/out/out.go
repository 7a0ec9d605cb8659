// Package out writes a table: as JSON lines, CSV, SQL or Parquet, or straight
// into PostgreSQL.
//
//	jsonl    an object a row with every column, in the order of the columns; integers,
//	         decimals and floats are numbers with all their digits (a float that is no
//	         number is text), bytes are base64, times are RFC 3339, JSON is JSON
//	csv      RFC 4180, with a header and lines that end in LF, as PostgreSQL's COPY …
//	         CSV HEADER reads it: null is nothing, an empty text is "", bytes are \x and
//	         hex digits, booleans true and false. Nothing is put in front of what a
//	         spreadsheet takes for a formula: the file is the table
//	sql      INSERT statements in one transaction, for PostgreSQL; with Create a CREATE
//	         TABLE in front of them
//	parquet  a column each; decimals of up to 38 digits, dates, times, UUIDs and JSON have
//	         their logical types. What has no such form is text: longer decimals, and a
//	         column of times one of which is infinite, before Christ or finer than a
//	         microsecond
//
// Names and values are quoted by the rules of PostgreSQL, whatever they hold.
package out

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// Format names a form of files.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
	SQL       Format = "sql"
	Parquet   Format = "parquet"
)

// Options of [Write].
type Options struct {
	Format Format
	// Table is the name in SQL.
	Table Name
	// Create puts a CREATE TABLE in front.
	Create bool
}

// Result says what was written.
type Result struct {
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum"`
	// Query computes the checksum in PostgreSQL, after [state.Session].
	Query string `json:"checksum_query"`
}

// bufferSize is what is collected for one write, in bytes.
const bufferSize = 256 << 10

// writer writes rows in one format.
type writer interface {
	begin() error
	row(row []state.Cell) error
	end() error
}

// Write writes all rows of a table.
func Write(ctx context.Context, t *state.Table, w io.Writer, o Options) (Result, error) {
	buffer := bufio.NewWriterSize(w, bufferSize)
	f, err := o.open(t, buffer)
	if err != nil {
		return Result{}, err
	}
	if err := f.begin(); err != nil {
		return Result{}, fmt.Errorf("write table: %w", err)
	}
	var result Result
	var sum state.Checksum
	for row, err := range t.Rows(ctx) {
		if err == nil {
			err = sum.Add(row)
		}
		if err == nil {
			err = f.row(row)
		}
		if err != nil {
			return result, fmt.Errorf("write row %d of the table: %w", result.Rows+1, err)
		}
		result.Rows++
	}
	if err := f.end(); err != nil {
		return result, fmt.Errorf("write table: %w", err)
	}
	result.Checksum, result.Query = sum.String(), state.Query(o.Table.String(), t.Columns)
	if err := buffer.Flush(); err != nil {
		return result, fmt.Errorf("write table: %w", err)
	}
	return result, nil
}

func (o Options) open(t *state.Table, w *bufio.Writer) (writer, error) {
	switch o.Format {
	case JSONLines:
		return newLines(t.Columns, w), nil
	case CSV:
		return &csv{columns: t.Columns, w: w}, nil
	case SQL:
		return newStatements(t, w, o)
	case Parquet:
		return newParquet(t.Columns, w)
	}
	return nil, fmt.Errorf("format %q: want %s, %s, %s or %s", o.Format, JSONLines, CSV, Parquet, SQL)
}

// lines writes JSON lines.
type lines struct {
	names [][]byte // with quotes and colon
	w     *bufio.Writer
	line  []byte
}

func newLines(columns []state.Column, w *bufio.Writer) *lines {
	l := &lines{w: w}
	for _, c := range columns {
		l.names = append(l.names, append(cell.AppendString(nil, c.Name), ':'))
	}
	return l
}

func (l *lines) begin() error { return nil }
func (l *lines) end() error   { return nil }

func (l *lines) row(row []state.Cell) error {
	l.line = append(l.line[:0], '{')
	for i, v := range row {
		if i > 0 {
			l.line = append(l.line, ',')
		}
		l.line = append(l.line, l.names[i]...)
		if v.Null {
			l.line = append(l.line, "null"...)
			continue
		}
		l.line = cell.AppendJSON(l.line, v.Kind, v.Text)
	}
	l.line = append(l.line, '}', '\n')
	_, err := l.w.Write(l.line)
	return err
}

// csv writes CSV as COPY reads it.
type csv struct {
	columns []state.Column
	w       *bufio.Writer
	line    []byte
}

func (c *csv) begin() error {
	for i, column := range c.columns {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = appendQuoted(c.line, []byte(column.Name))
	}
	return c.flush()
}

func (c *csv) row(row []state.Cell) error {
	for i, v := range row {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		if v.Null {
			continue
		}
		text, err := Literal(v)
		if err != nil {
			return err
		}
		c.line = appendQuoted(c.line, text)
	}
	return c.flush()
}

func (c *csv) end() error { return nil }

func (c *csv) flush() error {
	c.line = append(c.line, '\n')
	_, err := c.w.Write(c.line)
	c.line = c.line[:0]
	return err
}

// appendQuoted quotes what holds a comma, a quote or a line's end, an empty
// text, and the \. that ends COPY's input.
func appendQuoted(dst, text []byte) []byte {
	plain := len(text) > 0 && string(text) != `\.`
	for _, b := range text {
		plain = plain && b != ',' && b != '"' && b != '\n' && b != '\r'
	}
	if plain && text[0] != ' ' && text[len(text)-1] != ' ' {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, b := range text {
		if b == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}

// Literal is the text that PostgreSQL reads a value from.
func Literal(v state.Cell) ([]byte, error) {
	switch v.Kind {
	case cell.Bytes:
		return cell.AppendHex(nil, v.Text), nil
	case cell.Time, cell.Timestamp, cell.TimestampTZ, cell.TimeTZ:
		return cell.CutToMicros(v.Text), nil
	}
	if element, array := v.Kind.Element(); array {
		return state.AppendArray(nil, element, v.Text)
	}
	return v.Text, nil
}
