package out

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// maxIdentifier is how long a name may be in PostgreSQL, in bytes: it cuts
// longer ones, and two columns may become one.
const maxIdentifier = 63

// Name is the name of a table, with its schema if that is not empty.
type Name struct{ Schema, Table string }

// ParseName reads table or schema.table; parts in double quotes may hold
// anything, with their quotes doubled.
func ParseName(text string) (Name, error) {
	var parts []string
	for rest := text; ; {
		part, left, err := namePart(rest)
		if err != nil {
			return Name{}, fmt.Errorf("table %q: %w", text, err)
		}
		parts = append(parts, part)
		if left == "" {
			break
		}
		rest = left[1:]
	}
	n := Name{Table: parts[len(parts)-1]}
	switch len(parts) {
	case 1:
	case 2:
		n.Schema = parts[0]
	default:
		return n, fmt.Errorf("table %q: want table or schema.table; a name that holds a point goes in double quotes", text)
	}
	return n, n.check()
}

func namePart(text string) (part, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexByte(text, '.')
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], nil
	}
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '"' {
			i++
			continue
		}
		part, rest = strings.ReplaceAll(text[1:i], `""`, `"`), text[i+1:]
		if rest != "" && rest[0] != '.' {
			break
		}
		return part, rest, nil
	}
	return "", "", errors.New("a double quote is not closed")
}

func (n Name) check() error {
	if n.Schema != "" {
		if err := checkIdentifier(n.Schema); err != nil {
			return fmt.Errorf("schema: %w", err)
		}
	}
	if err := checkIdentifier(n.Table); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	return nil
}

// String is the name in SQL.
func (n Name) String() string {
	if n.Schema == "" {
		return state.Identifier(n.Table)
	}
	return state.Identifier(n.Schema) + "." + state.Identifier(n.Table)
}

// checkIdentifier refuses what PostgreSQL would not keep as it is.
func checkIdentifier(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxIdentifier:
		return fmt.Errorf("the name %q has %d bytes, PostgreSQL keeps %d", name, len(name), maxIdentifier)
	case strings.IndexByte(name, 0) >= 0:
		return fmt.Errorf("the name %q holds a zero byte", name)
	}
	return nil
}

func checkColumns(columns []state.Column) error {
	if len(columns) == 0 {
		return errors.New("the table has no columns: no record says which")
	}
	for _, c := range columns {
		if err := checkIdentifier(c.Name); err != nil {
			return fmt.Errorf("column: %w", err)
		}
	}
	return nil
}

// createTable is the statement that makes a table for these rows.
func createTable(n Name, t *state.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (", n)
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n  %s %s", state.Identifier(c.Name), c.Kind)
	}
	if key := t.PrimaryKey(); key != nil {
		fmt.Fprintf(&b, ",\n  PRIMARY KEY (%s)", identifiers(key))
	}
	b.WriteString("\n)")
	return b.String()
}

func identifiers(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = state.Identifier(n)
	}
	return strings.Join(quoted, ", ")
}

func columnNames(columns []state.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

const (
	// batchRows and batchBytes bound one INSERT: large enough that it costs
	// little, small enough for any client.
	batchRows  = 500
	batchBytes = 1 << 20
)

// statements writes INSERTs.
type statements struct {
	w      *bufio.Writer
	create string // with its semicolon, or empty
	insert string
	batch  []byte
	n      int
}

func newStatements(t *state.Table, w *bufio.Writer, o Options) (*statements, error) {
	if err := o.Table.check(); err != nil {
		return nil, err
	}
	if err := checkColumns(t.Columns); err != nil {
		return nil, err
	}
	s := &statements{w: w, insert: fmt.Sprintf("INSERT INTO %s (%s) VALUES\n", o.Table, identifiers(columnNames(t.Columns)))}
	if o.Create {
		s.create = createTable(o.Table, t) + ";\n"
	}
	return s, nil
}

func (s *statements) begin() error {
	_, err := s.w.WriteString("BEGIN;\nSET LOCAL client_encoding = 'UTF8';\n" + s.create)
	return err
}

func (s *statements) row(row []state.Cell) error {
	if s.n == 0 {
		s.batch = append(s.batch[:0], s.insert...)
	} else {
		s.batch = append(s.batch, ",\n"...)
	}
	s.batch = append(s.batch, '(')
	for i, v := range row {
		if i > 0 {
			s.batch = append(s.batch, ',')
		}
		var err error
		if s.batch, err = appendValue(s.batch, v); err != nil {
			return err
		}
	}
	s.batch = append(s.batch, ')')
	if s.n++; s.n < batchRows && len(s.batch) < batchBytes {
		return nil
	}
	return s.flush()
}

func (s *statements) flush() error {
	if s.n == 0 {
		return nil
	}
	s.n = 0
	_, err := s.w.Write(append(s.batch, ";\n"...))
	return err
}

func (s *statements) end() error {
	if err := s.flush(); err != nil {
		return err
	}
	_, err := s.w.WriteString("COMMIT;\n")
	return err
}

// appendValue writes a value in SQL. Numbers stand bare, everything else is a
// quoted text, which PostgreSQL reads as whatever the column is.
func appendValue(dst []byte, v state.Cell) ([]byte, error) {
	if v.Null {
		return append(dst, "NULL"...), nil
	}
	text, err := Literal(v)
	if err != nil {
		return dst, err
	}
	if v.Kind == cell.Int {
		return append(dst, text...), nil
	}
	return AppendText(dst, text)
}

// errZero is of texts that PostgreSQL cannot hold.
var errZero = errors.New("a text holds the character U+0000, which PostgreSQL does not")

// AppendText quotes a text for SQL. One with a backslash is written as E'…',
// which means the same whatever standard_conforming_strings is.
func AppendText(dst, text []byte) ([]byte, error) {
	if bytes.IndexByte(text, 0) >= 0 {
		return dst, errZero
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		dst = append(dst, 'E')
	}
	dst = append(dst, '\'')
	for _, b := range text {
		if b == '\'' || b == '\\' {
			dst = append(dst, b)
		}
		dst = append(dst, b)
	}
	return append(dst, '\''), nil
}
