package state_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/tidemark-io/tidemark/pipeline/state"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// registered are schemas by their id.
type registered map[int]string

func (r registered) ByID(_ context.Context, id int) (values.Schema, error) {
	text, ok := r[id]
	if !ok {
		return values.Schema{}, fmt.Errorf("id %d: %w", id, values.ErrUnknownSchema)
	}
	return values.Schema{Type: values.TypeAvro, Text: text}, nil
}

const (
	avroKey   = `{"type":"record","name":"Key","namespace":"shop.orders","fields":[{"name":"id","type":"long"}]}`
	avroValue = `{"type":"record","name":"Value","fields":[
		{"name":"id","type":"long"},
		{"name":"amount","type":["null",{"type":"bytes","scale":2,"precision":10,"logicalType":"decimal","connect.name":"org.apache.kafka.connect.data.Decimal"}]},
		{"name":"day","type":["null",{"type":"int","connect.name":"io.debezium.time.Date"}]},
		{"name":"at","type":["null",{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}]},
		{"name":"raw","type":["null","bytes"]},
		{"name":"tags","type":["null",{"type":"array","items":"string"}]},
		{"name":"f","type":["null","double"]},
		{"name":"zoned","type":["null",{"type":"string","connect.name":"io.debezium.time.ZonedTimestamp"}]},
		{"name":"moment","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}`
	avroEnvelope = `{"type":"record","name":"Envelope","namespace":"shop.orders","fields":[
		{"name":"before","type":["null",%s]},{"name":"after","type":["null","Value"]},
		{"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"table","type":"string"},{"name":"lsn","type":["null","long"]},{"name":"ts_ms","type":"long"}]}},
		{"name":"op","type":"string"}]}`
)

// framed encodes a value in Confluent's frame.
func framed(t *testing.T, r registered, id int, v any) string {
	t.Helper()
	s, err := avro.Parse(r[id])
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), b...))
}

func TestAvroEnvelopes(t *testing.T) {
	schemas := registered{1: avroKey, 2: fmt.Sprintf(avroEnvelope, avroValue), 3: strings.Replace(avroKey, "long", "int", 1)}
	after := map[string]any{"id": int64(7), "amount": []byte{0x04, 0xd2}, "day": 19785, "at": int64(1709467200123456), "raw": []byte{0, 255},
		"tags": []any{"a", "b"}, "f": 0.5, "zoned": "2024-03-03T12:00:00Z", "moment": int64(1709467200123)}
	source := func(lsn int64) map[string]any { return map[string]any{"table": "orders", "lsn": lsn, "ts_ms": lsn} }
	src := topic{}
	src.add(0, framed(t, schemas, 1, map[string]any{"id": int64(8)}), framed(t, schemas, 2, map[string]any{"before": nil, "after": map[string]any{"id": int64(8), "amount": nil, "day": nil, "at": nil, "raw": nil, "tags": nil, "f": nil, "zoned": nil, "moment": nil}, "source": source(1), "op": "c"}))
	src.add(0, framed(t, schemas, 1, map[string]any{"id": int64(7)}), framed(t, schemas, 2, map[string]any{"before": nil, "after": after, "source": source(2), "op": "c"}))
	src.add(0, framed(t, schemas, 1, map[string]any{"id": int64(9)}), framed(t, schemas, 2, map[string]any{"before": nil, "after": after, "source": source(3), "op": "c"}))
	// A key under another schema is the same key, and so is one that is deleted.
	src.add(0, framed(t, schemas, 3, map[string]any{"id": int32(9)}), framed(t, schemas, 2, map[string]any{"before": after, "after": nil, "source": source(4), "op": "d"}))
	src.add(0, framed(t, schemas, 1, map[string]any{"id": int64(9)}), "")
	o := options(t)
	o.Schemas = schemas
	table := expect(t, src, o,
		`{"id":7,"amount":12.34,"day":"2024-03-03","at":"2024-03-03T12:00:00.123456","raw":"AP8=","tags":["a","b"],"f":0.5,"zoned":"2024-03-03T12:00:00Z","moment":"2024-03-03T12:00:00.123Z"}`, `{"id":8}`)
	var types []string
	for _, c := range table.Columns {
		types = append(types, c.Kind.String())
	}
	if want := []string{"bigint", "numeric", "date", "timestamp", "bytea", "text[]", "double precision", "timestamp with time zone", "timestamp with time zone"}; !slices.Equal(types, want) {
		t.Errorf("types %v, want %v", types, want)
	}
	if !slices.Equal(table.Sources, []string{"orders"}) || table.Columns[0].Nullable || !table.Columns[1].Nullable || !table.Columns[0].Key {
		t.Errorf("sources %v, columns %+v", table.Sources, table.Columns)
	}
	delete(schemas, 2)
	wantError[*state.UnreadableError](t, src, o, "4 records", "schema id 2")
}

// broken is a registry that does not answer.
type broken struct{}

func (broken) ByID(context.Context, int) (values.Schema, error) {
	return values.Schema{}, &net.OpError{Op: "dial", Err: fmt.Errorf("refused")}
}

// That no schema could be asked for says nothing of a record.
func TestARegistryThatIsDownIsNoUnreadableRecord(t *testing.T) {
	o := options(t)
	o.Schemas, o.SkipUnreadable = broken{}, true
	wantError[*net.OpError](t, of(k1, "\x00\x00\x00\x00\x07\x02"), o, "schema id 7")
}

// JSON Schema's frame, and keys of eight bytes that only look framed.
func TestFramesThatAreNoAvro(t *testing.T) {
	frame := "\x00\x00\x00\x00\x05"
	expect(t, of(frame+k1, frame+change("c", "", rowA, 1, 1)), options(t), rowA)
	expect(t, of("\x00\x00\x00\x00\x00\x00\x00\x05", `{"n":1}`, "\x00\x00\x00\x00\x00\x00\x00\x06", `{"n":2}`, "\x00\x00\x00\x00\x00\x00\x00\x05", ""), options(t),
		`{"_key":"\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0006","n":2}`)
}
