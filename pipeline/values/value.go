package values

import (
	"encoding/json"
	"time"
)

// Format is what the bytes were.
type Format string

// The formats.
const (
	// FormatNull is no value at all: a tombstone, a missing key.
	FormatNull Format = "null"
	// FormatJSON is plain JSON.
	FormatJSON Format = "json"
	// FormatConnect is Kafka Connect's JSON with its schema beside the payload.
	FormatConnect Format = "connect-json"
	// FormatAvro is Avro in Confluent's frame.
	FormatAvro Format = "avro"
	// FormatJSONSchema is JSON in Confluent's frame.
	FormatJSONSchema Format = "json-schema"
	// FormatProtobuf is Protobuf in Confluent's frame; Tree holds the bytes
	// behind the frame.
	FormatProtobuf Format = "protobuf"
	// FormatText is UTF-8 that is not JSON; Tree is the string.
	FormatText Format = "text"
	// FormatBytes is everything else; Tree is the []byte.
	FormatBytes Format = "bytes"
)

// Value is a decoded key or value.
type Value struct {
	// Tree is made of map[string]any, []any, string, json.Number, bool, nil and
	// []byte. It shares no memory with the input.
	Tree   any
	Format Format
	// SchemaID is the id in the frame; 0 without a frame.
	SchemaID int
	// Type is what the schema says of Tree; nil where there is none.
	Type *Type
}

// Kind is what a value of a tree means.
type Kind string

// The kinds, and what stands for them in a tree.
const (
	KindNull    Kind = "null"
	KindBoolean Kind = "boolean"
	KindInt     Kind = "int"     // json.Number, at most 32 bits
	KindLong    Kind = "long"    // json.Number, 64 bits
	KindFloat   Kind = "float"   // json.Number, or "NaN", "Infinity", "-Infinity"
	KindDouble  Kind = "double"  // as KindFloat
	KindDecimal Kind = "decimal" // json.Number without an exponent
	KindString  Kind = "string"
	KindBytes   Kind = "bytes" // []byte
	KindUUID    Kind = "uuid"  // string
	KindEnum    Kind = "enum"  // string
	KindJSON    Kind = "json"  // string that holds JSON
	KindDate    Kind = "date"  // string
	KindTime    Kind = "time"  // string
	// KindTimestamp is a moment; KindLocalTimestamp has no zone.
	KindTimestamp      Kind = "timestamp"       // string
	KindLocalTimestamp Kind = "local-timestamp" // string
	KindArray          Kind = "array"           // []any
	KindMap            Kind = "map"             // map[string]any
	KindRecord         Kind = "record"          // map[string]any
	// KindUnion is one of several Branches.
	KindUnion Kind = "union"
)

// Type says what a value means. Types may refer to themselves: a record can
// hold records of its own kind.
type Type struct {
	Kind Kind
	// Optional allows null.
	Optional bool
	// Name is the schema's own name for it: a record's full name, Avro's logical
	// type, Connect's or Debezium's semantic type; or empty.
	Name string
	// Fields are a record's, in their order.
	Fields []Field
	// Items is the type of an array's items or a map's values.
	Items *Type
	// Branches are a union's, without null.
	Branches []*Type
	// Scale is a decimal's, in digits; -1 where each value has its own.
	Scale int
	// Precision is a decimal's, in digits; 0 where it is not known.
	Precision int

	unit   time.Duration // what the number of a time or timestamp counts; 0 for texts
	render rendering     // turns what is on the wire into its meaning; nil changes nothing
	wire   wire          // how Avro writes it
}

// Field is one field of a record.
type Field struct {
	Name string
	Type *Type
}

// Field returns the type of a record's field, or nil.
func (t *Type) Field(name string) *Type {
	if t == nil {
		return nil
	}
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return t.Fields[i].Type
		}
	}
	return nil
}

// Text returns the one text form of a leaf of a tree: a string's content, a
// number's digits, true or false. It is what Scan gives of the same value in
// JSON. There is none for null, bytes, arrays and objects.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
