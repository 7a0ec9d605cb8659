package out

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

const (
	// groupRows and groupBytes bound a row group, which is held in memory.
	groupRows  = 250_000
	groupBytes = 32 << 20
	// maxPrecision is what 16 bytes hold, and what most readers take.
	maxPrecision = 38
	decimalBytes = 16
)

// root is the top of a schema. Unlike parquet.Group it keeps the order of its
// columns.
type root struct {
	parquet.Group
	fields []parquet.Field
}

func (r *root) Fields() []parquet.Field { return r.fields }

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string                           { return f.name }
func (f field) Value(base reflect.Value) reflect.Value { return base }

// parquetFile writes Parquet.
type parquetFile struct {
	w       *parquet.Writer
	columns []state.Column
	convert []func(text []byte) (parquet.Value, error)
	rows    [1]parquet.Row
	n, held int
}

func newParquet(columns []state.Column, w *bufio.Writer) (*parquetFile, error) {
	if len(columns) == 0 {
		return nil, fmt.Errorf("the table has no columns: no record says which")
	}
	p := &parquetFile{columns: columns}
	top := &root{Group: parquet.Group{}}
	for _, c := range columns {
		node, convert := parquetColumn(c)
		node = parquet.Compressed(parquet.Optional(node), &zstd.Codec{Level: zstd.SpeedDefault})
		top.Group[c.Name] = node
		top.fields = append(top.fields, field{node, c.Name})
		p.convert = append(p.convert, convert)
	}
	p.w = parquet.NewWriter(w, parquet.NewSchema("row", top), parquet.CreatedBy("tidemark", "1", "state"))
	return p, nil
}

func (p *parquetFile) begin() error { return nil }
func (p *parquetFile) end() error   { return p.w.Close() }

func (p *parquetFile) row(row []state.Cell) error {
	p.rows[0] = p.rows[0][:0]
	for i, v := range row {
		if v.Null {
			p.rows[0] = append(p.rows[0], parquet.Value{}.Level(0, 0, i))
			continue
		}
		value, err := p.convert[i](v.Text)
		if err != nil {
			return fmt.Errorf("column %s: %w", p.columns[i].Name, err)
		}
		p.held += len(v.Text)
		p.rows[0] = append(p.rows[0], value.Level(0, 1, i))
	}
	if _, err := p.w.WriteRows(p.rows[:]); err != nil {
		return err
	}
	if p.n++; p.n < groupRows && p.held < groupBytes {
		return nil
	}
	p.n, p.held = 0, 0
	return p.w.Flush()
}

// parquetColumn chooses the type of a column.
func parquetColumn(c state.Column) (parquet.Node, func([]byte) (parquet.Value, error)) {
	if c.Odd && c.Kind != cell.Float32 && c.Kind != cell.Float64 {
		return parquet.String(), textValue
	}
	switch c.Kind {
	case cell.Bool:
		return parquet.Leaf(parquet.BooleanType), boolValue
	case cell.Int:
		return parquet.Leaf(parquet.Int64Type), intValue
	case cell.Numeric:
		if precision := c.Whole + c.Scale; precision <= maxPrecision {
			return parquet.Decimal(c.Scale, max(precision, 1), parquet.FixedLenByteArrayType(decimalBytes)), decimalValue(c.Scale)
		}
	case cell.Float32:
		return parquet.Leaf(parquet.FloatType), floatValue
	case cell.Float64:
		return parquet.Leaf(parquet.DoubleType), doubleValue
	case cell.Bytes:
		return parquet.Leaf(parquet.ByteArrayType), textValue
	case cell.Date:
		return parquet.Date(), dateValue
	case cell.Time:
		return parquet.TimeAdjusted(parquet.Microsecond, false), timeValue
	case cell.Timestamp:
		return parquet.TimestampAdjusted(parquet.Microsecond, false), stampValue("2006-01-02 15:04:05.999999")
	case cell.TimestampTZ:
		return parquet.Timestamp(parquet.Microsecond), stampValue("2006-01-02 15:04:05.999999-07")
	case cell.UUID:
		return parquet.UUID(), uuidValue
	case cell.JSON:
		return parquet.JSON(), textValue
	}
	if _, array := c.Kind.Element(); array {
		return parquet.JSON(), textValue
	}
	return parquet.String(), textValue
}

func textValue(text []byte) (parquet.Value, error) { return parquet.ByteArrayValue(text), nil }

func boolValue(text []byte) (parquet.Value, error) { return parquet.BooleanValue(text[0] == 't'), nil }

func intValue(text []byte) (parquet.Value, error) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	return parquet.Int64Value(n), err
}

func floatValue(text []byte) (parquet.Value, error) {
	f, err := strconv.ParseFloat(string(text), 32)
	return parquet.FloatValue(float32(f)), err
}

func doubleValue(text []byte) (parquet.Value, error) {
	f, err := strconv.ParseFloat(string(text), 64)
	return parquet.DoubleValue(f), err
}

// decimalValue brings a number to the scale of its column.
func decimalValue(scale int) func([]byte) (parquet.Value, error) {
	return func(text []byte) (parquet.Value, error) {
		whole, fraction, _ := strings.Cut(string(text), ".")
		n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", scale-len(fraction)), 10)
		if !ok {
			return parquet.Value{}, fmt.Errorf("%s is no decimal", text)
		}
		if n.Sign() < 0 {
			n.Add(n, new(big.Int).Lsh(big.NewInt(1), decimalBytes*8))
		}
		return parquet.FixedLenByteArrayValue(n.FillBytes(make([]byte, decimalBytes))), nil
	}
}

func dateValue(text []byte) (parquet.Value, error) {
	t, err := time.Parse(time.DateOnly, string(text))
	return parquet.Int32Value(int32(t.Unix() / (24 * 60 * 60))), err
}

func timeValue(text []byte) (parquet.Value, error) {
	t, err := time.Parse("15:04:05.999999", string(text))
	return parquet.Int64Value(t.Sub(t.Truncate(24 * time.Hour)).Microseconds()), err
}

func stampValue(layout string) func([]byte) (parquet.Value, error) {
	return func(text []byte) (parquet.Value, error) {
		t, err := time.Parse(layout, string(text))
		return parquet.Int64Value(t.UnixMicro()), err
	}
}

func uuidValue(text []byte) (parquet.Value, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(string(text), "-", ""))
	if err == nil && len(b) != 16 {
		err = fmt.Errorf("%s is no UUID", text)
	}
	return parquet.FixedLenByteArrayValue(b), err
}
