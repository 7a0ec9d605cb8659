package values

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/avro/atype"
)

// avroSchema is an Avro schema, ready to read with. The library parses it:
// names, namespaces, references. Reading is ours (avro_read.go), so that every
// value in a tree counts against one budget and a decimal keeps its scale.
type avroSchema struct {
	top *Type
	raw bool // Confluent's serializers write bytes at the top without a length
}

// wire is how Avro writes a type.
type wire struct {
	base     string // one of atype's primitive and complex types
	size     int    // of a fixed, in bytes
	symbols  []string
	branches []*Type // of a union, in order; nil is null
}

// maxSchemaText bounds the texts of a schema and of those it refers to, in
// bytes.
const maxSchemaText = 16 << 20

// laxNames lets every name pass: the registry took it, and records were written
// with it.
var laxNames = avro.WithLaxNames(func(string) error { return nil })

func compileAvro(s Schema) (*avroSchema, error) {
	size := len(s.Text)
	for _, text := range s.Before {
		size += len(text)
	}
	if size > maxSchemaText {
		return nil, fmt.Errorf("parse Avro schema: %d bytes: %w", size, ErrTooLarge)
	}
	var cache avro.SchemaCache
	for _, text := range s.Before {
		if _, err := cache.Parse(text, laxNames); err != nil {
			return nil, fmt.Errorf("parse referenced Avro schema: %w", err)
		}
	}
	parsed, err := cache.Parse(s.Text, laxNames)
	if err != nil {
		return nil, fmt.Errorf("parse Avro schema: %w", err)
	}
	root := parsed.Root()
	b := builder{named: map[string]*Type{}}
	top, err := b.typeOf(root, scope{})
	if err != nil {
		return nil, fmt.Errorf("read Avro schema: %w", err)
	}
	b.finish()
	return &avroSchema{top: top, raw: top.wire.base == atype.Bytes && root.LogicalType == ""}, nil
}

// builder makes types of a parsed schema.
type builder struct {
	named map[string]*Type
	count int
	// nullable are copies of types that allow null. A record may be within
	// itself, so they are made when all is there.
	nullable []nullable
}

type nullable struct {
	copy, of *Type
	wire     wire
}

func (b *builder) finish() {
	for _, n := range b.nullable {
		*n.copy = *n.of
		n.copy.Optional, n.copy.wire = true, n.wire
	}
}

var errDeep = errors.New("it nests too deep")

// scope is where in a schema a type stands.
type scope struct {
	namespace string // of the named type around it
	depth     int
}

// within is one step deeper.
func (s scope) within() scope { return scope{s.namespace, s.depth + 1} }

func (b *builder) typeOf(n *avro.SchemaNode, s scope) (*Type, error) {
	if b.count++; b.count > maxTypes {
		return nil, ErrTooLarge
	}
	if s.depth > maxDepth {
		return nil, errDeep
	}
	t := &Type{wire: wire{base: n.Type, size: n.Size, symbols: n.Symbols}}
	switch n.Type {
	case atype.Record, atype.Error:
		return t, b.record(t, n, s)
	case atype.Array:
		return t, b.items(t, KindArray, n.Items, s)
	case atype.Map:
		return t, b.items(t, KindMap, n.Values, s)
	case atype.Union:
		return b.union(t, n, s)
	}
	kind, ok := avroKinds[n.Type]
	if !ok {
		return b.reference(n.Type, s)
	}
	t.Kind, t.Scale, t.Precision = kind, n.Scale, n.Precision
	b.name(t, n)
	meaningOf(t, n)
	return t, nil
}

var avroKinds = map[string]Kind{
	atype.Null: KindNull, atype.Boolean: KindBoolean, atype.Int: KindInt, atype.Long: KindLong,
	atype.Float: KindFloat, atype.Double: KindDouble, atype.String: KindString, atype.Bytes: KindBytes,
	atype.Fixed: KindBytes, atype.Enum: KindEnum,
}

// reference finds a type by its name as it was written: a name without a dot
// is first looked for in the namespace that it stands in.
func (b *builder) reference(name string, s scope) (*Type, error) {
	if t := b.named[s.namespace+"."+name]; t != nil && !strings.Contains(name, ".") {
		return t, nil
	}
	if t := b.named[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("type %q is not defined", name)
}

// name remembers a named type under all its names.
func (b *builder) name(t *Type, n *avro.SchemaNode) {
	if n.Name == "" {
		return
	}
	t.Name = n.Name
	if n.Namespace != "" {
		t.Name = n.Namespace + "." + n.Name
	}
	b.named[t.Name] = t
	for _, alias := range n.Aliases {
		if n.Namespace != "" && !strings.Contains(alias, ".") {
			alias = n.Namespace + "." + alias
		}
		b.named[alias] = t
	}
}

func (b *builder) record(t *Type, n *avro.SchemaNode, s scope) error {
	t.Kind, t.wire.base = KindRecord, atype.Record
	b.name(t, n)
	s.namespace = n.Namespace
	for i := range n.Fields {
		f, err := b.typeOf(&n.Fields[i].Type, s.within())
		if err != nil {
			return fmt.Errorf("field %s: %w", n.Fields[i].Name, err)
		}
		t.Fields = append(t.Fields, Field{Name: n.Fields[i].Name, Type: f})
	}
	meaningOf(t, n)
	return nil
}

func (b *builder) items(t *Type, k Kind, n *avro.SchemaNode, s scope) (err error) {
	t.Kind = k
	t.Items, err = b.typeOf(n, s.within())
	return err
}

// union makes a type that allows null of a union of null and one other, and a
// union of everything else.
func (b *builder) union(t *Type, n *avro.SchemaNode, s scope) (*Type, error) {
	for i := range n.Branches {
		if n.Branches[i].Type == atype.Null {
			t.Optional = true
			t.wire.branches = append(t.wire.branches, nil)
			continue
		}
		branch, err := b.typeOf(&n.Branches[i], s.within())
		if err != nil {
			return nil, err
		}
		t.Branches = append(t.Branches, branch)
		t.wire.branches = append(t.wire.branches, branch)
	}
	if t.Kind = KindUnion; t.Optional && len(t.Branches) == 1 {
		b.nullable = append(b.nullable, nullable{copy: t, of: t.Branches[0], wire: t.wire})
	}
	return t, nil
}

// logical are Avro's logical types, on the types that they may stand on.
var logical = map[[2]string]func(t *Type){
	{atype.Int, atype.Date}:                  func(t *Type) { t.mean(KindDate, day, date) },
	{atype.Int, atype.TimeMillis}:            func(t *Type) { t.mean(KindTime, time.Millisecond, timeOfDay) },
	{atype.Long, atype.TimeMicros}:           func(t *Type) { t.mean(KindTime, time.Microsecond, timeOfDay) },
	{atype.Long, atype.TimestampMillis}:      func(t *Type) { t.mean(KindTimestamp, time.Millisecond, timestamp) },
	{atype.Long, atype.TimestampMicros}:      func(t *Type) { t.mean(KindTimestamp, time.Microsecond, timestamp) },
	{atype.Long, atype.TimestampNanos}:       func(t *Type) { t.mean(KindTimestamp, time.Nanosecond, timestamp) },
	{atype.Long, atype.LocalTimestampMillis}: func(t *Type) { t.mean(KindLocalTimestamp, time.Millisecond, timestamp) },
	{atype.Long, atype.LocalTimestampMicros}: func(t *Type) { t.mean(KindLocalTimestamp, time.Microsecond, timestamp) },
	{atype.Long, atype.LocalTimestampNanos}:  func(t *Type) { t.mean(KindLocalTimestamp, time.Nanosecond, timestamp) },
	{atype.Bytes, atype.Decimal}:             func(t *Type) { t.mean(KindDecimal, 0, decimal) },
	{atype.Fixed, atype.Decimal}:             func(t *Type) { t.mean(KindDecimal, 0, decimal) },
	{atype.String, atype.UUID}:               func(t *Type) { t.mean(KindUUID, 0, nil) },
	{atype.Fixed, atype.UUID}:                func(t *Type) { t.mean(KindUUID, 0, uuidBytes) },
}

// meaningOf gives a type its logical type, or what Connect calls it. Connect's
// own date, time and timestamp come with both, and mean the same.
func meaningOf(t *Type, n *avro.SchemaNode) {
	if set := logical[[2]string{n.Type, n.LogicalType}]; set != nil {
		if t.Name == "" {
			t.Name = n.LogicalType
		}
		set(t)
		return
	}
	name, _ := n.Props["connect.name"].(string)
	if set := meanings[name]; set != nil {
		t.Name = name
		set(t)
	}
}
