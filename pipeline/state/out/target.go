package out

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"

	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// column is one of a table that is there.
type column struct {
	name, typ string // typ as in pg_type, that of a domain's base
	array     bool
	generated bool
	mod       int32 // what is in parentheses behind the type, -1 if nothing is
}

func describe(ctx context.Context, tx pgx.Tx, name Name) ([]column, error) {
	rows, err := tx.Query(ctx, `SELECT a.attname::text, b.typname::text, b.typcategory = 'A', a.attgenerated <> '', CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
		WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, name.String())
	if err != nil {
		return nil, fmt.Errorf("describe table %s: %w", name, err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c column, err error) {
		return c, row.Scan(&c.name, &c.typ, &c.array, &c.generated, &c.mod)
	})
	if err != nil {
		return nil, fmt.Errorf("describe table %s: %w", name, err)
	}
	return found, nil
}

// mapping says how the columns of a table become those of the target.
type mapping struct {
	columns []state.Column // of the kinds that are written
	read    []*cell.Type   // how to read a cell anew; nil leaves it
}

// match brings columns together by name.
func match(columns []state.Column, there []column, name Name) (*mapping, error) {
	m := &mapping{slices.Clone(columns), make([]*cell.Type, len(columns))}
	var unknown, lacking []string
	for i, c := range columns {
		at := slices.IndexFunc(there, func(t column) bool { return t.name == c.Name })
		if at < 0 || there[at].generated {
			unknown = append(unknown, c.Name)
			continue
		}
		m.columns[i].Kind, m.read[i] = there[at].takes(c.Kind)
	}
	for _, t := range there {
		if !t.generated && !slices.ContainsFunc(columns, func(c state.Column) bool { return c.Name == t.name }) {
			lacking = append(lacking, t.name)
		}
	}
	if len(unknown)+len(lacking) == 0 {
		return m, nil
	}
	var reasons []string
	if len(unknown) > 0 {
		reasons = append(reasons, "it has no column "+strings.Join(unknown, ", ")+" to write to")
	}
	if len(lacking) > 0 {
		reasons = append(reasons, "its column "+strings.Join(lacking, ", ")+" is not in the topic")
	}
	return nil, &TargetError{name.String(), strings.Join(reasons, ", and ") + ": change the table, or make it with --create"}
}

// takes returns the kind that cells of another are written as: JSON in an array
// where the table has one, an array in JSON, a boolean as a bit, for Debezium has
// one for bit(1). What a schema did not give a type gets the target's.
func (c column) takes(k cell.Kind) (cell.Kind, *cell.Type) {
	_, array := k.Element()
	switch {
	case c.array && k == cell.JSON:
		return cell.ArrayOf(cell.Text), nil
	case (c.typ == "json" || c.typ == "jsonb") && array:
		return cell.JSON, nil
	case (c.typ == "bit" || c.typ == "varbit") && k == cell.Bool:
		return cell.Bits, nil
	}
	read := c.reading(k)
	if read == nil {
		return k, nil
	}
	return read.Kind(), read
}

// milliseconds is the precision up to which Debezium writes times in ms; finer
// ones, and those without a precision, come in µs.
const milliseconds = 3

// reading says how Debezium writes a type without a schema: dates in days, times
// by their precision, intervals in µs, bytes in base64, decimals as text or, with
// the scale of the column, in base64.
func (c column) reading(k cell.Kind) *cell.Type {
	text, number := k == cell.Text, k == cell.Int || k == cell.Numeric
	coarse := c.mod >= 0 && c.mod <= milliseconds
	switch {
	case !text && !number:
		return nil
	case c.typ == "date":
		return &cell.Type{Name: "io.debezium.time.Date"}
	case c.typ == "time" && coarse:
		return &cell.Type{Name: "io.debezium.time.Time"}
	case c.typ == "time":
		return &cell.Type{Name: "io.debezium.time.MicroTime"}
	case c.typ == "timetz":
		return &cell.Type{Name: "io.debezium.time.ZonedTime"}
	case c.typ == "timestamp" && coarse:
		return &cell.Type{Name: "io.debezium.time.Timestamp"}
	case c.typ == "timestamp":
		return &cell.Type{Name: "io.debezium.time.MicroTimestamp"}
	case c.typ == "timestamptz":
		return &cell.Type{Name: "io.debezium.time.ZonedTimestamp"}
	case c.typ == "interval":
		return &cell.Type{Name: "io.debezium.time.MicroDuration"}
	case c.typ == "float4":
		return &cell.Type{Base: "float"}
	case c.typ == "float8":
		return &cell.Type{Base: "double"}
	case number:
		return nil
	case c.typ == "numeric":
		return &cell.Type{Name: "org.apache.kafka.connect.data.Decimal", Scale: c.scale()}
	case c.typ == "int2", c.typ == "int4", c.typ == "int8":
		return &cell.Type{Base: "int64"}
	case c.typ == "bytea":
		return &cell.Type{Base: "bytes"}
	case c.typ == "uuid":
		return &cell.Type{Name: "io.debezium.data.Uuid"}
	case c.typ == "json", c.typ == "jsonb":
		return &cell.Type{Name: "io.debezium.data.Json"}
	}
	return nil
}

// scale is that of numeric(precision, scale): 11 bits above PostgreSQL's header
// of 4 bytes.
func (c column) scale() int {
	if c.mod < 4 {
		return 0
	}
	return int((c.mod-4)&0x7ff^1024) - 1024
}

// apply makes a row one of the target.
func (m *mapping) apply(row []state.Cell) error {
	for i := range row {
		v := &row[i]
		was := v.Kind
		v.Kind = m.columns[i].Kind
		switch {
		case v.Null:
		case m.read[i] != nil:
			text, _, err := m.read[i].Append(nil, written(was, v.Kind, v.Text))
			if err != nil {
				return fmt.Errorf("column %s is of type %s: %w", m.columns[i].Name, v.Kind, err)
			}
			v.Text = text
		case v.Kind == cell.Bits && was == cell.Bool:
			v.Text = map[bool][]byte{true: []byte("1"), false: []byte("0")}[v.Text[0] == 't']
		}
	}
	return nil
}

// written is a cell as it stood in JSON; a number may have stood there as text.
func written(was, is cell.Kind, text []byte) gjson.Result {
	s := string(text)
	number := gjson.Result{Type: gjson.Number, Raw: s}
	if was != cell.Text || (is == cell.Int || is == cell.Numeric) && gjson.Valid(s) && gjson.Parse(s).Type == gjson.Number {
		return number
	}
	return gjson.Result{Type: gjson.String, Raw: s, Str: s}
}
