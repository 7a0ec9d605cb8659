package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// Checksum is one of all rows of a table, in whatever order they come. A row
// adds the first 60 bits of the SHA-256 of its text, which is what PostgreSQL
// prints for a row of those columns; [Query] is the SQL that computes the same.
type Checksum struct {
	high, low uint64 // of the sum
	text      []byte
	scratch   []byte
}

// Add adds a row.
func (c *Checksum) Add(row []Cell) error {
	var err error
	if c.text, err = c.appendRow(c.text[:0], row); err != nil {
		return err
	}
	sum := sha256.Sum256(c.text)
	n := binary.BigEndian.Uint64(sum[:8]) >> 4
	if c.low += n; c.low < n {
		c.high++
	}
	return nil
}

// String is the sum as a decimal number.
func (c *Checksum) String() string {
	n := new(big.Int).SetUint64(c.high)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(c.low)).String()
}

// appendRow writes what PostgreSQL prints for a row: (1,"two words",).
func (c *Checksum) appendRow(dst []byte, row []Cell) ([]byte, error) {
	dst = append(dst, '(')
	for i, v := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		if v.Null {
			continue
		}
		text, err := appendCanonical(c.scratch[:0], v.Kind, v.Text)
		if err != nil {
			return nil, err
		}
		dst, c.scratch = appendField(dst, text), text
	}
	return append(dst, ')'), nil
}

// appendField quotes a field of a row where PostgreSQL does.
func appendField(dst, text []byte) []byte {
	if len(text) > 0 && bytes.IndexAny(text, "\"\\(), \t\n\r\v\f") < 0 {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, b := range text {
		if b == '"' || b == '\\' {
			dst = append(dst, b)
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}

// appendCanonical writes a cell so that equal values have equal texts.
func appendCanonical(dst []byte, k cell.Kind, text []byte) ([]byte, error) {
	switch k {
	case cell.Bool:
		return append(dst, text[0]), nil // t, f
	case cell.Int, cell.Numeric:
		return append(dst, cell.TrimScale(text)...), nil
	case cell.Bytes:
		return cell.AppendHex(dst, text), nil
	case cell.Time, cell.Timestamp, cell.TimestampTZ, cell.TimeTZ:
		return append(dst, cell.CutToMicros(text)...), nil
	case cell.JSON:
		canonical, err := cell.Canonical(text)
		return append(dst, canonical...), err
	}
	if element, array := k.Element(); array {
		return AppendArray(dst, element, text)
	}
	return append(dst, text...), nil
}

// AppendArray writes a cell that is an array as PostgreSQL prints it: {1,NULL}.
func AppendArray(dst []byte, element cell.Kind, text []byte) ([]byte, error) {
	dst = append(dst, '{')
	first, failed := true, error(nil)
	var scratch []byte
	gjson.ParseBytes(text).ForEach(func(_, v gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if v.Type == gjson.Null {
			dst = append(dst, "NULL"...)
			return true
		}
		scratch, failed = appendCanonical(scratch[:0], element, textOf(v))
		dst = appendElement(dst, scratch)
		return failed == nil
	})
	return append(dst, '}'), failed
}

// textOf is the text of a JSON value that is not null.
func textOf(v gjson.Result) []byte {
	if v.Type == gjson.String {
		return []byte(v.Str)
	}
	return []byte(v.Raw)
}

// appendElement quotes an element of an array where PostgreSQL does.
func appendElement(dst, text []byte) []byte {
	plain := len(text) > 0 && bytes.IndexAny(text, "\"\\{}, \t\n\r\v\f") < 0 && !strings.EqualFold(string(text), "null")
	if plain {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, b := range text {
		if b == '"' || b == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}

// Session are the settings under which PostgreSQL prints values as the checksum
// takes them.
const Session = `SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET client_encoding = 'UTF8';`

// Query is the SQL that counts the rows of a table and computes their checksum
// in PostgreSQL 13 or later, after [Session]. The table is SQL already.
func Query(table string, columns []Column) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = expression(c)
	}
	return fmt.Sprintf(`SELECT count(*), coalesce(sum(('x' || left(encode(sha256(convert_to(ROW(%s)::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint), 0) FROM %s`,
		strings.Join(fields, ", "), table)
}

// QueryText is [Query] with the checksum as text: it may have more digits than
// 64 bits.
func QueryText(table string, columns []Column) string {
	return "SELECT n, sum::text FROM (" + Query(table, columns) + ") AS t (n, sum)"
}

// expression gives a column the text that the checksum takes, also where the
// database's type is a little different: a number with another scale, JSON that
// is spelt another way.
func expression(c Column) string {
	name := Identifier(c.Name)
	switch c.Kind {
	case cell.Int, cell.Numeric:
		return "trim_scale(" + name + "::numeric)"
	case cell.TimeTZ:
		return "(" + name + "::timetz AT TIME ZONE 'UTC')"
	case cell.JSON:
		return "to_jsonb(" + name + ")"
	}
	return name
}

// Identifier quotes a name for SQL, whatever it holds.
func Identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
