package values

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
)

// SchemaType is a registry's name for a schema language.
type SchemaType string

// The schema types.
const (
	TypeAvro     SchemaType = "AVRO"
	TypeJSON     SchemaType = "JSON"
	TypeProtobuf SchemaType = "PROTOBUF"
)

// Schema is what a schema id stands for.
type Schema struct {
	Type SchemaType
	Text string
	// Before are the texts of the schemas that this one refers to, directly and
	// through others, in an order in which they can be parsed.
	Before []string
}

// Schemas looks schemas up by their id. An unknown id is ErrUnknownSchema. It
// must be safe for concurrent use.
type Schemas interface {
	ByID(ctx context.Context, id int) (Schema, error)
}

// Decoder decodes keys and values. It is safe for concurrent use.
type Decoder struct {
	// Schemas may be nil: then what is framed cannot be decoded, unless it is
	// JSON.
	Schemas Schemas

	mu    sync.Mutex
	known map[int]*compiled // guarded by mu
}

// compiled is a schema made ready; avro is nil where it is not Avro.
type compiled struct {
	language SchemaType
	avro     *avroSchema
}

// frameSize is Confluent's frame: a zero byte, and the schema id, big-endian.
const frameSize = 5

// frame takes Confluent's frame off, if there is one.
func frame(b []byte) (id int, rest []byte, ok bool) {
	if len(b) < frameSize || b[0] != 0 {
		return 0, nil, false
	}
	n := int32(binary.BigEndian.Uint32(b[1:]))
	return int(n), b[frameSize:], n >= 0
}

// Decode decodes a key or value. Nil bytes are a null, FormatNull; empty ones
// are empty bytes. Its errors are *FormatError where the bytes break off or
// contradict themselves, *SchemaError where the schema is the trouble, both
// possibly around ErrTooLarge, and ErrNotDecoded together with a Value.
func (d *Decoder) Decode(ctx context.Context, b []byte) (Value, error) {
	if b == nil {
		return Value{Format: FormatNull}, nil
	}
	if len(b) > maxBytes {
		return Value{}, &FormatError{Format: FormatBytes, At: maxBytes, Err: ErrTooLarge}
	}
	if id, rest, ok := frame(b); ok {
		return d.framed(ctx, id, rest)
	}
	return plain(b)
}

// plain decodes what has no frame.
func plain(b []byte) (Value, error) {
	switch first := firstByte(b); {
	case first == '{' || first == '[':
		return decodeJSON(b)
	case bytes.IndexByte([]byte(`"-0123456789tfn`), first) >= 0 && first != 0:
		// A text may begin like a JSON scalar and not be one.
		if v, err := decodeJSON(b); err == nil {
			return v, nil
		}
	}
	if len(b) == 0 || !utf8.Valid(b) || bytes.ContainsFunc(b, notText) {
		return Value{Tree: bytes.Clone(b), Format: FormatBytes}, nil
	}
	return Value{Tree: string(b), Format: FormatText}, nil
}

// notText are the control characters that no text has but numbers of four or
// eight bytes do.
func notText(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }

// firstByte returns the first byte that is not JSON's white space, or 0.
func firstByte(b []byte) byte {
	for _, c := range b {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (d *Decoder) framed(ctx context.Context, id int, rest []byte) (Value, error) {
	if d.Schemas == nil {
		return withoutSchemas(id, rest)
	}
	c, err := d.schema(ctx, id)
	if err != nil {
		return Value{SchemaID: id}, &SchemaError{ID: id, Err: err}
	}
	switch c.language {
	case TypeAvro:
		v, err := c.avro.decode(rest)
		v.SchemaID = id
		return v, err
	case TypeJSON:
		return framedJSON(id, rest)
	}
	v := Value{Tree: bytes.Clone(rest), Format: FormatProtobuf, SchemaID: id}
	return v, &SchemaError{ID: id, Err: ErrNotDecoded}
}

// withoutSchemas reads what can be read without its schema: JSON.
func withoutSchemas(id int, rest []byte) (Value, error) {
	if first := firstByte(rest); first == '{' || first == '[' {
		if v, err := framedJSON(id, rest); err == nil {
			return v, nil
		}
	}
	return Value{SchemaID: id}, &SchemaError{ID: id, Err: ErrNoSchemas}
}

func framedJSON(id int, rest []byte) (Value, error) {
	tree, err := ParseJSON(rest)
	if err != nil {
		return Value{SchemaID: id}, err
	}
	return Value{Tree: tree, Format: FormatJSONSchema, SchemaID: id}, nil
}

// schema returns a schema made ready. What cannot be looked up now may be there
// another time, so only what was compiled is kept.
func (d *Decoder) schema(ctx context.Context, id int) (*compiled, error) {
	d.mu.Lock()
	c := d.known[id]
	d.mu.Unlock()
	if c != nil {
		return c, nil
	}
	s, err := d.Schemas.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if c, err = compile(s); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxSchemas {
		d.known = map[int]*compiled{}
	}
	d.known[id] = c
	return c, nil
}

func compile(s Schema) (*compiled, error) {
	switch s.Type {
	case TypeAvro, "":
		a, err := compileAvro(s)
		return &compiled{language: TypeAvro, avro: a}, err
	case TypeJSON, TypeProtobuf:
		return &compiled{language: s.Type}, nil
	}
	return nil, fmt.Errorf("schema type %q is unknown: want AVRO, JSON or PROTOBUF", s.Type)
}

// JSONText returns the JSON in a key or value as it stands, for Scan: the bytes
// themselves, or what follows Confluent's frame. It looks at the first byte
// only and reports false where that cannot begin an object or an array.
func JSONText(b []byte) ([]byte, bool) {
	if _, rest, ok := frame(b); ok {
		b = rest
	}
	first := firstByte(b)
	return b, first == '{' || first == '['
}

// errTrailing is of bytes behind a value's end.
var errTrailing = errors.New("something follows the value")
