package state

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/tidwall/gjson"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

const (
	// maxSchemas is how many schemas are kept ready; beyond it all are read
	// anew, for somebody writes a new one into every record.
	maxSchemas = 1024
	// maxBrackets is how many brackets JSON may have before its depth is looked
	// at: a parser that recurses must not be led into the ground.
	maxBrackets = 5_000
)

// document is a key or a value as JSON, and what its schema says of it.
type document struct {
	value gjson.Result
	typ   *cell.Type // nil without a schema
}

// decoder makes documents of bytes. Everything becomes JSON as Kafka Connect
// writes it, for one way of reading it; only the schema is read in two ways.
type decoder struct {
	framed  values.Decoder
	connect map[string]*cell.Type // by the text of the schema
	avro    map[*values.Type]*cell.Type
}

func newDecoder(s values.Schemas) *decoder {
	return &decoder{framed: values.Decoder{Schemas: s}, connect: map[string]*cell.Type{}, avro: map[*values.Type]*cell.Type{}}
}

// view reads bytes as text without a copy. The text is valid for as long as
// the bytes are: nothing of a document outlives its record.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// document decodes a value that is not null.
func (d *decoder) document(ctx context.Context, b []byte) (document, error) {
	if len(b) == 0 {
		return document{}, bad("its value is empty, which is no JSON")
	}
	text, isJSON := values.JSONText(b)
	if isJSON && validJSON(text) {
		return d.parsed(text), nil
	}
	if b[0] == 0 && len(b) >= frameSize {
		return d.unframe(ctx, b)
	}
	if !validJSON(b) {
		return document{}, bad("its value is no JSON: %v", whyNot(b))
	}
	return d.parsed(b), nil
}

// frameSize is Confluent's frame: a zero byte and a schema id.
const frameSize = 5

// parsed looks for the schema beside the payload.
func (d *decoder) parsed(text []byte) document {
	root := gjson.Parse(view(text))
	var schema, payload gjson.Result
	n := 0
	root.ForEach(func(name, v gjson.Result) bool {
		n++
		switch name.Str {
		case "schema":
			schema = v
		case "payload":
			payload = v
		default:
			n = 3
		}
		return n < 3
	})
	if n != 2 || !payload.Exists() || !schema.Exists() || !schema.IsObject() && schema.Type != gjson.Null {
		return document{value: root}
	}
	if schema.Type == gjson.Null {
		return document{value: payload}
	}
	return document{payload, d.connectType(schema)}
}

func (d *decoder) connectType(schema gjson.Result) *cell.Type {
	if t, ok := d.connect[schema.Raw]; ok {
		return t
	}
	if len(d.connect) >= maxSchemas {
		clear(d.connect)
	}
	text := string([]byte(schema.Raw)) // what is kept must not share the record's memory
	t := cell.ConnectType(gjson.Parse(text))
	d.connect[text] = t
	return t
}

// validJSON also asks for UTF-8 and a depth that can be read.
func validJSON(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	if bytes.Count(b, []byte{'['})+bytes.Count(b, []byte{'{'}) > maxBrackets {
		return json.Valid(b) // slower, and bounded in its depth
	}
	return gjson.ValidBytes(b)
}

func whyNot(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("it is not UTF-8")
	}
	var raw json.RawMessage
	err := json.Unmarshal(b, &raw)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return fmt.Errorf("%w at byte %d", syntax, syntax.Offset)
	}
	if err == nil {
		err = errors.New("it cannot be read")
	}
	return err
}

// unframe decodes what has a schema id.
func (d *decoder) unframe(ctx context.Context, b []byte) (document, error) {
	v, err := d.framed.Decode(ctx, b)
	if err != nil {
		if passing(err) {
			return document{}, err
		}
		return document{}, bad("%v", err)
	}
	if !isTree(v) {
		return document{}, bad("schema id %d does not describe rows", v.SchemaID)
	}
	return document{gjson.Parse(view(appendTree(nil, v.Tree, v.Type))), d.avroType(v.Type)}, nil
}

func isTree(v values.Value) bool {
	return v.Format == values.FormatAvro || v.Format == values.FormatJSONSchema
}

// passing tells whether an error says nothing of the record: the schemas could
// not be asked.
func passing(err error) bool {
	var network net.Error
	var retryable interface{ Retryable() bool }
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) ||
		errors.As(err, &retryable) && retryable.Retryable()
}

func (d *decoder) avroType(t *values.Type) *cell.Type {
	if known, ok := d.avro[t]; ok {
		return known
	}
	if len(d.avro) >= maxSchemas {
		clear(d.avro)
	}
	made := typeOf(t, map[*values.Type]*cell.Type{})
	d.avro[t] = made
	return made
}

// bases are Connect's words for kinds.
var bases = map[values.Kind]string{
	values.KindBoolean: "boolean", values.KindInt: "int64", values.KindLong: "int64", values.KindFloat: "float", values.KindDouble: "double",
	values.KindString: "string", values.KindEnum: "string", values.KindBytes: "bytes", values.KindArray: "array", values.KindMap: "map", values.KindRecord: "struct",
}

// meaningOf names kinds whose schema does not.
var meaningOf = map[values.Kind]string{
	values.KindDecimal: "io.debezium.data.VariableScaleDecimal", values.KindUUID: "io.debezium.data.Uuid", values.KindJSON: "io.debezium.data.Json",
	values.KindDate: "io.debezium.time.IsoDate", values.KindTime: "io.debezium.time.IsoTime",
	values.KindTimestamp: "io.debezium.time.ZonedTimestamp", values.KindLocalTimestamp: "io.debezium.time.IsoTimestamp",
}

// typeOf translates a type, which may hold itself.
func typeOf(t *values.Type, made map[*values.Type]*cell.Type) *cell.Type {
	if t == nil || t.Kind == values.KindUnion || t.Kind == values.KindNull {
		return nil
	}
	if known, ok := made[t]; ok {
		return known
	}
	out := &cell.Type{Base: bases[t.Kind], Name: t.Name, Scale: t.Scale}
	made[t] = out
	if !cell.HasMeaning(t.Name) {
		out.Name = meaningOf[t.Kind]
	}
	if t.Kind == values.KindArray {
		out.Items = typeOf(t.Items, made)
	}
	for _, f := range t.Fields {
		out.Fields = append(out.Fields, cell.Field{Name: f.Name, Type: typeOf(f.Type, made)})
	}
	return out
}

// appendTree writes a tree as JSON, records in the order of their fields.
func appendTree(dst []byte, tree any, t *values.Type) []byte {
	switch v := tree.(type) {
	case map[string]any:
		return appendObject(dst, v, t)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendTree(dst, e, items(t))
		}
		return append(dst, ']')
	case string:
		return cell.AppendString(dst, v)
	case json.Number:
		return append(dst, v...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case []byte:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v), '"')
	}
	return append(dst, "null"...)
}

func items(t *values.Type) *values.Type {
	if t == nil {
		return nil
	}
	return t.Items
}

func appendObject(dst []byte, object map[string]any, t *values.Type) []byte {
	dst = append(dst, '{')
	field := func(name string, v any, t *values.Type) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = appendTree(append(cell.AppendString(dst, name), ':'), v, t)
	}
	if t != nil && len(t.Fields) > 0 {
		for _, f := range t.Fields {
			if v, ok := object[f.Name]; ok {
				field(f.Name, v, f.Type)
			}
		}
		return append(dst, '}')
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		field(name, object[name], items(t))
	}
	return append(dst, '}')
}

// recordKey is the key of a record.
type recordKey struct {
	identity []byte
	// structured is true for a key with named fields; scalar is any other one.
	structured bool
	scalar     []byte
	typ        *cell.Type
}

// key decodes a record key, nil if there is none. What is no object in JSON or
// Avro is bytes. It is valid until the next one.
func (r *reader) key(ctx context.Context, rec *recordbatch.Record) (*recordKey, error) {
	r.fields, r.names = r.fields[:0], r.names[:0]
	if rec.Key == nil {
		return nil, nil
	}
	doc, err := r.decode.keyDocument(ctx, rec.Key, rec.Value)
	if err != nil {
		return nil, err
	}
	r.identity = r.identity[:0]
	if !doc.value.IsObject() {
		text := rec.Key
		if doc.value.Exists() { // a key of one value that has a schema
			text = textOf(doc.value)
		}
		r.identity = appendEscaped(r.identity, tagText, text)
		r.current = recordKey{identity: r.identity, scalar: text}
		return &r.current, nil
	}
	r.fields = keyFields(r.fields, doc.value)
	r.names = namesOf(r.names, r.fields)
	for _, f := range r.fields {
		r.identity = appendIdentity(r.identity, f.value)
		if !r.keys[f.name] && len(r.keys) < maxColumns {
			r.keys[string([]byte(f.name))] = true
		}
	}
	r.current = recordKey{identity: r.identity, structured: true, typ: doc.typ}
	return &r.current, nil
}

// keyDocument decodes a key; its value does not exist if it is bytes. A number
// of eight bytes looks as if it had a schema, so an unknown id only counts where
// the value has one too.
func (d *decoder) keyDocument(ctx context.Context, key, value []byte) (document, error) {
	if text, isJSON := values.JSONText(key); isJSON && validJSON(text) {
		return d.parsed(text), nil
	}
	if len(key) < frameSize || key[0] != 0 {
		return document{}, nil
	}
	doc, err := d.unframe(ctx, key)
	if one := (*unreadable)(nil); errors.As(err, &one) {
		if len(value) >= frameSize && value[0] == 0 {
			return document{}, bad("its key cannot be read: %v", err)
		}
		return document{}, nil
	}
	return doc, err
}
