package values_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/tidemark-io/tidemark/pipeline/values"
)

// schemas is a registry in memory.
type schemas map[int]values.Schema

func (s schemas) ByID(_ context.Context, id int) (values.Schema, error) {
	if v, ok := s[id]; ok {
		return v, nil
	}
	return values.Schema{}, values.ErrUnknownSchema
}

func framed(id int, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), body...)
}

func decode(t *testing.T, d *values.Decoder, b []byte) values.Value {
	t.Helper()
	v, err := d.Decode(t.Context(), b)
	if err != nil {
		t.Fatalf("decode %q: %v", b, err)
	}
	return v
}

func expect(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func number(text string) json.Number { return json.Number(text) }

func TestWhatHasNoFrame(t *testing.T) {
	for _, test := range []struct {
		in     []byte
		format values.Format
		tree   any
	}{
		{nil, values.FormatNull, nil},
		{[]byte{}, values.FormatBytes, []byte{}},
		{[]byte("null"), values.FormatJSON, nil},
		{[]byte(" {\"a\": 1.50, \"b\": [null, true, \"é\"]}\n"), values.FormatJSON,
			map[string]any{"a": number("1.50"), "b": []any{nil, true, "é"}}},
		{[]byte(`{"id":9007199254740993,"big":1e400}`), values.FormatJSON,
			map[string]any{"id": number("9007199254740993"), "big": number("1e400")}},
		{[]byte(`{"a":1,"a":2}`), values.FormatJSON, map[string]any{"a": number("2")}},
		{[]byte(`"text"`), values.FormatJSON, "text"},
		{[]byte("12"), values.FormatJSON, number("12")},
		{[]byte("12-34"), values.FormatText, "12-34"},
		{[]byte("012"), values.FormatText, "012"},
		{[]byte("o-123"), values.FormatText, "o-123"},
		{[]byte("nullable"), values.FormatText, "nullable"},
		{[]byte(" "), values.FormatText, " "},
		{[]byte{0xff, 0xfe}, values.FormatBytes, []byte{0xff, 0xfe}},
		{[]byte{0, 1, 2, 3}, values.FormatBytes, []byte{0, 1, 2, 3}},
	} {
		v := decode(t, new(values.Decoder), test.in)
		if v.Format != test.format || v.Type != nil {
			t.Errorf("%q: %s, type %v: want %s", test.in, v.Format, v.Type, test.format)
		}
		expect(t, v.Tree, test.tree)
	}
}

func TestBrokenJSONIsNamedNotGuessed(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1`:                   "decode json: byte 6: it breaks off",
		`{"a":1} {}`:               "something follows",
		`[1,]`:                     "decode json: byte 4: invalid character ']'",
		"{\"a\":\"\xff\"}":         "decode json: byte 6: not UTF-8",
		strings.Repeat("[", 600):   values.ErrTooLarge.Error(),
		strings.Repeat("[", 20000): values.ErrTooLarge.Error(),
	} {
		v, err := new(values.Decoder).Decode(t.Context(), []byte(in))
		if err == nil || !strings.Contains(err.Error(), want) || v.Tree != nil {
			t.Errorf("%.20q: %v, %v; want %q", in, v.Tree, err, want)
		}
	}
}

// TestTreesAreBounded: two bytes a node would otherwise become some 100.
func TestTreesAreBounded(t *testing.T) {
	many := "[" + strings.Repeat("0,", 1<<20) + "0]"
	if _, err := values.ParseJSON([]byte(many)); !errors.Is(err, values.ErrTooLarge) {
		t.Errorf("a million numbers: %v", err)
	}
	commas := `{"text":"` + strings.Repeat(`,[\"`, 1<<20) + `"}`
	if _, err := values.ParseJSON([]byte(commas)); err != nil {
		t.Errorf("a million commas in a text: %v", err)
	}
	if _, err := new(values.Decoder).Decode(t.Context(), make([]byte, 33<<20)); !errors.Is(err, values.ErrTooLarge) {
		t.Errorf("33 MiB: %v", err)
	}
}

func TestFrames(t *testing.T) {
	d := &values.Decoder{Schemas: schemas{
		1: {Type: values.TypeJSON, Text: `{"type":"object"}`},
		2: {Type: values.TypeProtobuf, Text: `syntax = "proto3";`},
		3: {Type: "THRIFT"},
		4: {Type: values.TypeAvro, Text: `{"type":"record"`},
	}}
	v := decode(t, d, framed(1, []byte(`{"a":1.0}`)))
	if v.Format != values.FormatJSONSchema || v.SchemaID != 1 {
		t.Errorf("%+v", v)
	}
	expect(t, v.Tree, map[string]any{"a": number("1.0")})

	v, err := d.Decode(t.Context(), framed(2, []byte{0, 8, 1}))
	if !errors.Is(err, values.ErrNotDecoded) || v.Format != values.FormatProtobuf {
		t.Errorf("%+v, %v", v, err)
	}
	expect(t, v.Tree, []byte{0, 8, 1})

	for id, want := range map[int]string{3: `schema id 3: schema type "THRIFT" is unknown`, 4: "schema id 4: parse Avro schema", 5: values.ErrUnknownSchema.Error()} {
		_, err := d.Decode(t.Context(), framed(id, []byte{0}))
		bad := (*values.SchemaError)(nil)
		if !errors.As(err, &bad) || bad.ID != id || !strings.Contains(err.Error(), want) {
			t.Errorf("schema %d: %v; want %q", id, err, want)
		}
	}
}

func TestFramesWithoutSchemas(t *testing.T) {
	v := decode(t, new(values.Decoder), framed(7, []byte(`{"a":1}`)))
	if v.Format != values.FormatJSONSchema || v.SchemaID != 7 {
		t.Errorf("%+v", v)
	}
	for _, body := range []string{"", "\x02\x04", "{", "12"} {
		v, err := new(values.Decoder).Decode(t.Context(), framed(7, []byte(body)))
		if !errors.Is(err, values.ErrNoSchemas) || v.SchemaID != 7 || v.Tree != nil {
			t.Errorf("%q: %+v, %v", body, v, err)
		}
	}
}

// connect is Debezium's envelope with its schema beside it.
const connect = `{"schema":{"type":"struct","optional":false,"name":"cdc.orders.Envelope","fields":[
 {"field":"before","type":"struct","optional":true,"name":"cdc.orders.Value","fields":[]},
 {"field":"after","type":"struct","optional":true,"name":"cdc.orders.Value","fields":[
  {"field":"id","type":"int64","optional":false},
  {"field":"amount","type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"10"}},
  {"field":"free","type":"struct","optional":true,"name":"io.debezium.data.VariableScaleDecimal","fields":[{"field":"scale","type":"int32"},{"field":"value","type":"bytes"}]},
  {"field":"born","type":"int32","name":"io.debezium.time.Date"},
  {"field":"noon","type":"int64","name":"io.debezium.time.MicroTime"},
  {"field":"made","type":"int64","name":"io.debezium.time.MicroTimestamp"},
  {"field":"seen","type":"int64","name":"org.apache.kafka.connect.data.Timestamp"},
  {"field":"zoned","type":"string","name":"io.debezium.time.ZonedTimestamp"},
  {"field":"blob","type":"bytes"},
  {"field":"days","type":"array","items":{"type":"int32","name":"io.debezium.time.Date"}},
  {"field":"sums","type":"map","keys":{"type":"string"},"values":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"0"}}},
  {"field":"odd","type":"int32","name":"io.debezium.time.Date"}]},
 {"field":"op","type":"string"}]},
"payload":{"before":null,"after":{"id":9007199254740993,"amount":"AeI=","free":{"scale":3,"value":"/w=="},"born":20779,"noon":43200000001,"made":1795322962123456,
 "seen":-1,"zoned":"2026-11-22T04:49:22.5Z","blob":"AAH/","days":[0,-719528],"sums":{"a":"gA=="},"odd":"soon"},"op":"c"}}`

func TestConnect(t *testing.T) {
	v := decode(t, new(values.Decoder), []byte(connect))
	if v.Format != values.FormatConnect {
		t.Fatal(v.Format)
	}
	expect(t, v.Tree, map[string]any{"before": nil, "op": "c", "after": map[string]any{
		"id": number("9007199254740993"), "amount": number("4.82"), "free": number("-0.001"), "born": "2026-11-22",
		"noon": "12:00:00.000001", "made": "2026-11-22T04:49:22.123456", "seen": "1969-12-31T23:59:59.999Z",
		"zoned": "2026-11-22T04:49:22.5Z", "blob": []byte{0, 1, 255}, "days": []any{"1970-01-01", "0000-01-01"},
		"sums": map[string]any{"a": number("-128")}, "odd": "soon",
	}})
	after := v.Type.Field("after")
	for name, kind := range map[string]values.Kind{
		"id": values.KindLong, "amount": values.KindDecimal, "free": values.KindDecimal, "born": values.KindDate,
		"noon": values.KindTime, "made": values.KindLocalTimestamp, "seen": values.KindTimestamp, "blob": values.KindBytes,
		"days": values.KindArray, "sums": values.KindMap,
	} {
		if got := after.Field(name); got == nil || got.Kind != kind {
			t.Errorf("%s: %+v, want %s", name, got, kind)
		}
	}
	if a := after.Field("amount"); a.Scale != 2 || a.Precision != 10 || !a.Optional || after.Field("free").Scale != -1 {
		t.Errorf("amount: %+v", a)
	}
	if v.Type.Field("nothing") != nil || (*values.Type)(nil).Field("x") != nil {
		t.Error("a field that is not there has a type")
	}
}

func TestConnectOrNot(t *testing.T) {
	for in, want := range map[string]any{
		`{"schema":null,"payload":{"a":1}}`:                              map[string]any{"a": number("1")},
		`{"schema":{"type":"string"},"payload":"x"}`:                     "x",
		`{"schema":{"type":"string"},"payload":null}`:                    nil,
		`{"schema":"s","payload":1}`:                                     map[string]any{"schema": "s", "payload": number("1")},
		`{"schema":{"type":"x"},"payload":1}`:                            map[string]any{"schema": map[string]any{"type": "x"}, "payload": number("1")},
		`{"schema":{"type":"int32"},"payload":1,"more":2}`:               map[string]any{"schema": map[string]any{"type": "int32"}, "payload": number("1"), "more": number("2")},
		`{"schema":{"type":"struct","fields":[{}]},"payload":{"a":[1]}}`: map[string]any{"a": []any{number("1")}},
	} {
		expect(t, decode(t, new(values.Decoder), []byte(in)).Tree, want)
	}
}

// TestTimesBeyondTheCalendarStayNumbers: Debezium's infinity is one.
func TestTimesBeyondTheCalendarStayNumbers(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"io.debezium.time.Date", "2932896", "9999-12-31"}, {"io.debezium.time.Date", "2932897", "2932897"}, {"io.debezium.time.Date", "-719529", "-719529"},
		{"io.debezium.time.Timestamp", "253402300799999", "9999-12-31T23:59:59.999"}, {"io.debezium.time.Timestamp", "253402300800000", "253402300800000"},
		{"io.debezium.time.MicroTimestamp", "9223372036825200000", "9223372036825200000"},
		{"io.debezium.time.NanoTimestamp", "-1", "1969-12-31T23:59:59.999999999"},
		{"io.debezium.time.Timestamp", "-62167219200000", "0000-01-01T00:00:00.000"}, {"io.debezium.time.Timestamp", "-62167219200001", "-62167219200001"},
		{"io.debezium.time.Time", "86400000", "24:00:00.000"}, {"io.debezium.time.Time", "86400001", "86400001"}, {"io.debezium.time.Time", "-1", "-1"},
		{"io.debezium.time.NanoTime", "1", "00:00:00.000000001"},
		{"io.debezium.time.Date", "1.5", "1.5"}, {"io.debezium.time.Date", "9223372036854775808", "9223372036854775808"},
	} {
		in := fmt.Sprintf(`{"schema":{"type":"int64","name":%q},"payload":%s}`, test.name, test.in)
		got, ok := values.Text(decode(t, new(values.Decoder), []byte(in)).Tree)
		if !ok || got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.name, test.in, got, test.want)
		}
	}
}

func TestDecimals(t *testing.T) {
	for _, test := range []struct{ bytes, scale, want string }{
		{"AA==", "0", "0"}, {"AA==", "3", "0.000"}, {"AA==", "-3", "0"}, {"AQ==", "-3", "1000"}, {"AQ==", "5", "0.00001"},
		{"/w==", "1", "-0.1"}, {"gA==", "0", "-128"}, {"f/////////8=", "2", "92233720368547758.07"}, {"", "2", ""}, {"!", "2", "!"},
		{"AQ==", "999999999", "AQ=="}, {"AQ==", "-999999999", "AQ=="},
	} {
		in := fmt.Sprintf(`{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":%q}},"payload":%q}`, test.scale, test.bytes)
		got, _ := values.Text(decode(t, new(values.Decoder), []byte(in)).Tree)
		if got != test.want {
			t.Errorf("%s at scale %s: %q, want %q", test.bytes, test.scale, got, test.want)
		}
	}
}

// TestDecimalsCountAgainstTheBudget: four bytes of base64 may ask for 16,000
// digits.
func TestDecimalsCountAgainstTheBudget(t *testing.T) {
	in := `{"schema":{"type":"array","items":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"16000"}}},"payload":["AQ=="` +
		strings.Repeat(`,"AQ=="`, 10000) + `]}`
	if _, err := new(values.Decoder).Decode(t.Context(), []byte(in)); !errors.Is(err, values.ErrTooLarge) {
		t.Error(err)
	}
}

// everything has each of Avro's types, and those logical types that mean
// something here.
const everything = `{"type":"record","name":"All","namespace":"a.b","fields":[
 {"name":"n","type":"null"},{"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":"long"},
 {"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"s","type":"string"},{"name":"y","type":"bytes"},
 {"name":"fx","type":{"type":"fixed","name":"Two","size":2}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
 {"name":"a","type":{"type":"array","items":"int"}},{"name":"m","type":{"type":"map","values":"string"}},
 {"name":"o","type":["null","string"]},{"name":"u","type":["int","string","a.b.Two","null",{"type":"long","logicalType":"timestamp-millis"}]},
 {"name":"dec","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
 {"name":"fdec","type":{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":8,"scale":3}},
 {"name":"date","type":{"type":"int","logicalType":"date"}},{"name":"tm","type":{"type":"int","logicalType":"time-millis"}},
 {"name":"tu","type":{"type":"long","logicalType":"time-micros"}},{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}},
 {"name":"tsu","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"lts","type":{"type":"long","logicalType":"local-timestamp-micros"}},
 {"name":"id","type":{"type":"string","logicalType":"uuid"}},
 {"name":"dbz","type":["null",{"type":"long","connect.version":1,"connect.name":"io.debezium.time.MicroTimestamp"}],"default":null},
 {"name":"next","type":["null","All"],"default":null}]}`

func encode(t testing.TB, schema string, v any) []byte {
	t.Helper()
	raw := avro.CustomType{Decode: nil, LogicalType: "timestamp-millis"}
	s, err := avro.Parse(schema, raw)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func all() map[string]any {
	return map[string]any{
		"n": nil, "b": true, "i": int32(-7), "l": int64(9007199254740993), "f": float32(0.1), "d": 1e300, "s": "é", "y": []byte{0, 255},
		"fx": []byte{1, 2}, "e": "B", "a": []any{int32(1), int32(2)}, "m": map[string]any{"k": "v"}, "o": "x", "u": int64(0),
		"dec": json.Number("-12.50"), "fdec": json.Number("1.000"), "date": int32(20779), "tm": int32(1), "tu": int64(1), "ts": int64(0), "tsu": int64(-1),
		"lts": int64(1), "id": "123e4567-e89b-12d3-a456-426614174000", "dbz": int64(1795322962123456),
		"next": nil,
	}
}

func TestAvro(t *testing.T) {
	d := &values.Decoder{Schemas: schemas{9: {Type: values.TypeAvro, Text: everything}}}
	outer := all()
	outer["next"] = all()
	outer["u"] = "text"
	v := decode(t, d, framed(9, encode(t, everything, outer)))
	if v.Format != values.FormatAvro || v.SchemaID != 9 || v.Type.Name != "a.b.All" {
		t.Errorf("%s %d %s", v.Format, v.SchemaID, v.Type.Name)
	}
	inner := map[string]any{
		"n": nil, "b": true, "i": number("-7"), "l": number("9007199254740993"), "f": number("0.1"), "d": number("1e+300"), "s": "é", "y": []byte{0, 255},
		"fx": []byte{1, 2}, "e": "B", "a": []any{number("1"), number("2")}, "m": map[string]any{"k": "v"}, "o": "x", "u": "1970-01-01T00:00:00.000Z",
		"dec": number("-12.50"), "fdec": number("1.000"), "date": "2026-11-22", "tm": "00:00:00.001", "tu": "00:00:00.000001",
		"ts": "1970-01-01T00:00:00.000Z", "tsu": "1969-12-31T23:59:59.999999Z", "lts": "1970-01-01T00:00:00.000001",
		"id": "123e4567-e89b-12d3-a456-426614174000", "dbz": "2026-11-22T04:49:22.123456", "next": nil,
	}
	got := v.Tree.(map[string]any)
	expect(t, got["next"], inner)
	expect(t, got["u"], "text")

	next := v.Type.Field("next")
	if !next.Optional || next.Field("next").Field("dec").Kind != values.KindDecimal || next.Field("next") != next {
		t.Errorf("a record within itself: %+v", next)
	}
	for name, kind := range map[string]values.Kind{"dec": values.KindDecimal, "date": values.KindDate, "u": values.KindUnion, "dbz": values.KindLocalTimestamp, "o": values.KindString, "id": values.KindUUID} {
		if f := v.Type.Field(name); f.Kind != kind {
			t.Errorf("%s: %s, want %s", name, f.Kind, kind)
		}
	}
}

func TestAvroReferences(t *testing.T) {
	d := &values.Decoder{Schemas: schemas{1: {
		Type: values.TypeAvro, Text: `{"type":"record","name":"User","namespace":"x","fields":[{"name":"home","type":"x.Address"},{"name":"kind","type":["null","x.Kind"]}]}`,
		Before: []string{`{"type":"enum","name":"Kind","namespace":"x","symbols":["P"]}`,
			`{"type":"record","name":"Address","namespace":"x","fields":[{"name":"zip","type":"string"},{"name":"k","type":"Kind"}]}`},
	}}}
	v := decode(t, d, framed(1, []byte("\x0812345678"[:5]+"\x00\x02\x00")))
	expect(t, v.Tree, map[string]any{"home": map[string]any{"zip": "1234", "k": "P"}, "kind": "P"})
}

// TestAvroBytesAtTheTop: Confluent's serializers write them as they are.
func TestAvroBytesAtTheTop(t *testing.T) {
	d := &values.Decoder{Schemas: schemas{1: {Type: values.TypeAvro, Text: `"bytes"`}, 2: {Type: values.TypeAvro, Text: `"string"`}, 3: {Text: `["null","long"]`}}}
	expect(t, decode(t, d, framed(1, []byte{5, 6})).Tree, []byte{5, 6})
	expect(t, decode(t, d, framed(2, []byte("\x04hi"))).Tree, "hi")
	expect(t, decode(t, d, framed(3, []byte{2, 3})).Tree, number("-2"))
	expect(t, decode(t, d, framed(3, []byte{0})).Tree, nil)
}

func TestAvroFloats(t *testing.T) {
	for v, want := range map[any]any{float32(0.1): number("0.1"), float32(16777216): number("16777216"), 0.1: number("0.1"), 1e21: number("1e+21"), 1e-7: number("1e-07"), 5e-324: number("5e-324")} {
		schema := `"double"`
		if _, ok := v.(float32); ok {
			schema = `"float"`
		}
		d := &values.Decoder{Schemas: schemas{1: {Text: schema}}}
		expect(t, decode(t, d, framed(1, encode(t, schema, v))).Tree, want)
	}
	d := &values.Decoder{Schemas: schemas{1: {Text: `"double"`}}}
	for in, want := range map[string]any{"\x00\x00\x00\x00\x00\x00\xf8\x7f": "NaN", "\x00\x00\x00\x00\x00\x00\xf0\x7f": "Infinity", "\x00\x00\x00\x00\x00\x00\xf0\xff": "-Infinity"} {
		expect(t, decode(t, d, framed(1, []byte(in))).Tree, want)
	}
}

func TestBrokenAvro(t *testing.T) {
	for _, test := range []struct{ schema, body, want string }{
		{`"string"`, "\x04h", "byte 1: it breaks off"},
		{`"string"`, "\x01", "a length is below 0"},
		{`"string"`, "\x02\xff", "byte 1: not UTF-8"},
		{`"string"`, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "it breaks off"},
		{`"long"`, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a number is too long"},
		{`"int"`, "\x80\x80\x80\x80\x10", "beyond 32 bits"},
		{`"int"`, "\x02\x02", "something follows"},
		{`"boolean"`, "", "it breaks off"},
		{`["null","int"]`, "\x04", "no such branch"},
		{`{"type":"enum","name":"E","symbols":["A"]}`, "\x02", "no such symbol"},
		{`{"type":"array","items":"null"}`, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", values.ErrTooLarge.Error()},
		{`{"type":"array","items":"int"}`, "\x01\x04\x02", "a block is not as long"},
		{`{"type":"array","items":"int"}`, "\x01\x02\x80\x01\x00", "a block is not as long"},
		{`{"type":"map","values":"int"}`, "\x02\x02", "it breaks off"},
		{`{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]}]}`, strings.Repeat("\x02", 4000), "nests too deep"},
	} {
		d := &values.Decoder{Schemas: schemas{1: {Type: values.TypeAvro, Text: test.schema}}}
		v, err := d.Decode(t.Context(), framed(1, []byte(test.body)))
		if err == nil || !strings.Contains(err.Error(), test.want) || v.Tree != nil {
			t.Errorf("%s of %.20q: %v, %v; want %q", test.schema, test.body, v.Tree, err, test.want)
		}
	}
}

// TestASchemaThatCannotBeHadIsAskedForAgain: what failed is not remembered.
func TestASchemaThatCannotBeHadIsAskedForAgain(t *testing.T) {
	late := schemas{}
	d := &values.Decoder{Schemas: late}
	if _, err := d.Decode(t.Context(), framed(1, []byte{2})); !errors.Is(err, values.ErrUnknownSchema) {
		t.Fatal(err)
	}
	late[1] = values.Schema{Text: `"int"`}
	expect(t, decode(t, d, framed(1, []byte{2})).Tree, number("1"))
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		in   any
		want string
		ok   bool
	}{{"a", "a", true}, {number("1.0"), "1.0", true}, {true, "true", true}, {false, "false", true}, {nil, "", false}, {[]byte("a"), "", false}, {[]any{}, "", false}} {
		if got, ok := values.Text(test.in); got != test.want || ok != test.ok {
			t.Errorf("%#v: %q, %v", test.in, got, ok)
		}
	}
}
