package values

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/twmb/avro/atype"
)

// decode reads one value and wants nothing behind it.
func (s *avroSchema) decode(b []byte) (Value, error) {
	v := Value{Format: FormatAvro, Type: s.top}
	if s.raw {
		v.Tree = append([]byte{}, b...)
		return v, nil
	}
	r := &avroReader{b: b, budget: newBudget()}
	tree, err := r.value(s.top, 0)
	if err == nil && r.at < len(b) {
		err = errTrailing
	}
	if err != nil {
		return Value{Format: FormatAvro}, &FormatError{Format: FormatAvro, At: int64(r.at), Err: err}
	}
	v.Tree = tree
	return v, nil
}

// avroReader reads Avro's binary encoding, 1.12.
type avroReader struct {
	b      []byte
	at     int
	budget *budget
}

// What may be wrong with the bytes.
var (
	errShort  = errors.New("it breaks off")
	errVarint = errors.New("a number is too long")
	errInt    = errors.New("a number is beyond 32 bits")
	errLength = errors.New("a length is below 0")
	errBranch = errors.New("a union has no such branch")
	errSymbol = errors.New("an enum has no such symbol")
	errBlock  = errors.New("a block is not as long as it says")
)

// value reads a value of a type, and gives it its meaning.
func (r *avroReader) value(t *Type, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	if t.wire.base == atype.Union {
		return r.union(t, depth)
	}
	if err := r.budget.take(0); err != nil {
		return nil, err
	}
	v, err := r.base(t, depth)
	if err != nil || t.render == nil {
		return v, err
	}
	v = t.render(t, v)
	text, _ := Text(v)
	return v, r.budget.take(len(text))
}

func (r *avroReader) base(t *Type, depth int) (any, error) {
	switch t.wire.base {
	case atype.Null:
		return nil, nil
	case atype.Boolean:
		b, err := r.take(1)
		return err == nil && b[0] == 1, err // as Java has it, whatever else stands there
	case atype.Int, atype.Long:
		return r.number(t.wire.base)
	case atype.Float:
		b, err := r.take(4)
		if err != nil {
			return nil, err
		}
		return float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case atype.Double:
		b, err := r.take(8)
		if err != nil {
			return nil, err
		}
		return float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	case atype.String:
		return r.text()
	case atype.Bytes:
		b, err := r.counted()
		return append([]byte{}, b...), err
	case atype.Fixed:
		b, err := r.take(int64(t.wire.size))
		return append([]byte{}, b...), err
	case atype.Enum:
		return r.enum(t)
	case atype.Array:
		return r.array(t, depth)
	case atype.Map:
		return r.pairs(t, depth)
	}
	return r.record(t, depth)
}

// take returns the next n bytes, which stay the input's.
func (r *avroReader) take(n int64) ([]byte, error) {
	if n > int64(len(r.b)-r.at) {
		return nil, errShort
	}
	b := r.b[r.at : r.at+int(n)]
	r.at += int(n)
	return b, nil
}

// long reads a zigzag number of at most 64 bits.
func (r *avroReader) long() (int64, error) {
	n, size := binary.Varint(r.b[r.at:])
	switch {
	case size == 0:
		return 0, errShort
	case size < 0:
		return 0, errVarint
	}
	r.at += size
	return n, nil
}

func (r *avroReader) number(base string) (any, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	if base == atype.Int && int64(int32(n)) != n {
		return nil, errInt
	}
	return json.Number(strconv.FormatInt(n, 10)), nil
}

// float writes a number with as many digits as tell it from its neighbours.
// JSON has none for what is not finite: that is a text, as Java's Avro has it.
func float(v float64, bits int) any {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return json.Number(strconv.FormatFloat(v, format, -1, bits))
}

// counted reads a length and so many bytes.
func (r *avroReader) counted() ([]byte, error) {
	n, err := r.long()
	switch {
	case err != nil:
		return nil, err
	case n < 0:
		return nil, errLength
	}
	return r.take(n)
}

func (r *avroReader) text() (any, error) {
	b, err := r.counted()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(b) {
		r.at -= len(b)
		return nil, errUTF8
	}
	return string(b), nil
}

func (r *avroReader) enum(t *Type) (any, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= int64(len(t.wire.symbols)) {
		return nil, errSymbol
	}
	return t.wire.symbols[n], nil
}

func (r *avroReader) union(t *Type, depth int) (any, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= int64(len(t.wire.branches)) {
		return nil, errBranch
	}
	branch := t.wire.branches[n]
	if branch == nil {
		return nil, r.budget.take(0)
	}
	return r.value(branch, depth+1)
}

func (r *avroReader) record(t *Type, depth int) (any, error) {
	object := make(map[string]any, len(t.Fields))
	for i := range t.Fields {
		v, err := r.value(t.Fields[i].Type, depth+1)
		if err != nil {
			return nil, err
		}
		object[t.Fields[i].Name] = v
	}
	return object, nil
}

func (r *avroReader) array(t *Type, depth int) (any, error) {
	list := []any{}
	err := r.blocks(func() error {
		v, err := r.value(t.Items, depth+1)
		list = append(list, v)
		return err
	})
	return list, err
}

func (r *avroReader) pairs(t *Type, depth int) (any, error) {
	object := map[string]any{}
	err := r.blocks(func() error {
		name, err := r.text()
		if err != nil {
			return err
		}
		v, err := r.value(t.Items, depth+1)
		object[name.(string)] = v
		return err
	})
	return object, err
}

// blocks reads the blocks of an array or a map: a count and so many items,
// until the count is 0. A count below 0 is followed by the block's length.
func (r *avroReader) blocks(item func() error) error {
	for {
		n, err := r.long()
		if err != nil || n == 0 {
			return err
		}
		end := int64(-1)
		if n < 0 {
			if n = -n; n < 0 {
				return errLength
			}
			size, err := r.long()
			if err != nil {
				return err
			}
			if size < 0 || size > int64(len(r.b)-r.at) {
				return errBlock
			}
			end = int64(r.at) + size
		}
		for ; n > 0; n-- {
			if err := item(); err != nil {
				return err
			}
		}
		if end >= 0 && int64(r.at) != end {
			return errBlock
		}
	}
}
