package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// pgColumn is a column of a table whose changes are written as Debezium's
// connector for PostgreSQL writes them (version 3, its defaults but for what a
// table says).
type pgColumn struct {
	name string
	typ  string // as in CREATE TABLE
	key  bool
}

// pgTable is one table and the topic of its changes.
type pgTable struct {
	name    string
	columns []pgColumn
	// schemas is schemas.enable: a schema beside every key and value. Without,
	// decimals are strings (decimal.handling.mode), or nobody could read them.
	schemas bool
	// full is REPLICA IDENTITY FULL: the log holds rows as they were.
	full bool
}

const pgServer = "shop"

func (t *pgTable) topic() string { return pgServer + ".public." + t.name }

// unavailable stands for a long value that the log left out.
const unavailable = "__debezium_unavailable_value"

// source is where a change comes from.
type pgSource struct {
	snapshot string
	commit   int64 // µs
	lsn      int64
	txid     uint32
}

// records are what one change of a row becomes: an event, and after a delete a
// tombstone. A change of the key is a delete and a create.
func (t *pgTable) records(c pgChange) []*kgo.Record {
	s := pgSource{snapshot: "false", commit: c.commit, lsn: c.lsn, txid: c.txid}
	switch {
	case c.op == 'I':
		return []*kgo.Record{t.event("c", nil, c.row, s)}
	case c.op == 'D':
		return []*kgo.Record{t.event("d", t.before(c.old), nil, s), t.tombstone(c.old, s)}
	case c.old != nil && !slices.Equal(t.keyOf(c.old), t.keyOf(c.row)):
		gone := t.event("d", t.before(c.old), nil, s)
		gone.Headers = append(gone.Headers, kgo.RecordHeader{Key: "__debezium.newkey", Value: t.key(c.row)})
		made := t.event("c", nil, c.row, s)
		made.Headers = append(made.Headers, kgo.RecordHeader{Key: "__debezium.oldkey", Value: t.key(c.old)})
		return []*kgo.Record{gone, t.tombstone(c.old, s), made}
	}
	return []*kgo.Record{t.event("u", t.before(c.old), c.row, s)}
}

// read is an event of a snapshot.
func (t *pgTable) read(row []pgText, s pgSource) *kgo.Record { return t.event("r", nil, row, s) }

// before is what the log holds of the old row: all of it, or the key alone.
func (t *pgTable) before(old []pgText) []pgText {
	if old == nil || t.full {
		return old
	}
	row := make([]pgText, len(t.columns))
	for i, c := range t.columns {
		row[i] = pgText{null: true}
		if c.key {
			row[i] = old[i]
		}
	}
	return row
}

func (t *pgTable) keyOf(row []pgText) []pgText {
	var key []pgText
	for i, c := range t.columns {
		if c.key {
			key = append(key, row[i])
		}
	}
	return key
}

func (t *pgTable) tombstone(old []pgText, s pgSource) *kgo.Record {
	return &kgo.Record{Topic: t.topic(), Key: t.key(old), Timestamp: time.UnixMilli(s.commit / 1000)}
}

func (t *pgTable) event(op string, before, after []pgText, s pgSource) *kgo.Record {
	of := after
	if of == nil {
		of = before
	}
	payload := fmt.Sprintf(`{"before":%s,"after":%s,"source":%s,"transaction":null,"op":"%s","ts_ms":%d,"ts_us":%d,"ts_ns":%d}`,
		t.object(before, false), t.object(after, false), t.source(s), op, s.commit/1000+3, s.commit+3000, s.commit*1000+3_000_000)
	value := []byte(payload)
	if t.schemas {
		value = fmt.Appendf(nil, `{"schema":%s,"payload":%s}`, t.envelopeSchema(), payload)
	}
	return &kgo.Record{Topic: t.topic(), Key: t.key(of), Value: value, Timestamp: time.UnixMilli(s.commit / 1000)}
}

func (t *pgTable) source(s pgSource) string {
	return fmt.Sprintf(`{"version":"3.0.0.Final","connector":"postgresql","name":"%s","ts_ms":%d,"snapshot":"%s","db":"shop","sequence":"[\"%d\",\"%d\"]",`+
		`"ts_us":%d,"ts_ns":%d,"schema":"public","table":"%s","txId":%d,"lsn":%d,"xmin":null}`,
		pgServer, s.commit/1000, s.snapshot, s.lsn, s.lsn, s.commit, s.commit*1000, t.name, s.txid, s.lsn)
}

func (t *pgTable) key(row []pgText) []byte {
	key := t.object(row, true)
	if !t.schemas {
		return []byte(key)
	}
	return fmt.Appendf(nil, `{"schema":%s,"payload":%s}`, t.structSchema("Key", "", true), key)
}

// object is a row, or its key, as JSON.
func (t *pgTable) object(row []pgText, key bool) string {
	if row == nil {
		return "null"
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, c := range t.columns {
		if key && !c.key {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%s", quoted(c.name), t.literal(c, row[i]))
	}
	return b.String() + "}"
}

func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}

// literal is a value in the form that Connect's JSON converter gives it.
func (t *pgTable) literal(c pgColumn, v pgText) string {
	switch {
	case v.null:
		return "null"
	case v.unchanged:
		return quoted(unavailable)
	}
	switch kind, scale := c.kind(); kind {
	case "bigint", "int":
		return v.text
	case "boolean":
		return map[string]string{"t": "true", "f": "false"}[v.text]
	case "numeric":
		return t.decimal(v.text, scale)
	case "date":
		return fmt.Sprint(parsed("2006-01-02", v.text).Unix() / (24 * 60 * 60))
	case "timestamp":
		return fmt.Sprint(parsed("2006-01-02 15:04:05.999999", v.text).UnixMicro())
	case "timestamptz":
		return quoted(parsed("2006-01-02 15:04:05.999999-07", v.text).UTC().Format("2006-01-02T15:04:05.000000Z"))
	case "bytea":
		raw, err := hex.DecodeString(strings.TrimPrefix(v.text, `\x`))
		if err != nil {
			panic(err)
		}
		return `"` + base64.StdEncoding.EncodeToString(raw) + `"`
	}
	return quoted(v.text) // text, uuid, jsonb
}

// decimal is a string without schemas; with them Connect's Decimal where the
// column has a scale, and Debezium's own where each value has its own.
func (t *pgTable) decimal(text string, scale int) string {
	if !t.schemas {
		return quoted(text)
	}
	_, fraction, _ := strings.Cut(text, ".")
	unscaled, ok := new(big.Int).SetString(strings.ReplaceAll(text, ".", ""), 10)
	if !ok {
		panic("numeric " + text)
	}
	encoded := `"` + base64.StdEncoding.EncodeToString(twosComplement(unscaled)) + `"`
	if scale >= 0 {
		return encoded
	}
	return fmt.Sprintf(`{"scale":%d,"value":%s}`, len(fraction), encoded)
}

// twosComplement is Java's BigInteger.toByteArray.
func twosComplement(n *big.Int) []byte {
	if n.Sign() >= 0 {
		return append(make([]byte, 1), n.Bytes()...)
	}
	size := len(n.Bytes()) + 1
	whole := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
	return whole.Add(whole, n).Bytes()
}

func parsed(layout, text string) time.Time {
	at, err := time.Parse(layout, text)
	if err != nil {
		panic(err)
	}
	return at
}

// kind splits numeric(12,2) and the like; the scale is -1 where there is none.
func (c pgColumn) kind() (name string, scale int) {
	name, params, found := strings.Cut(c.typ, "(")
	scale = -1
	if _, after, ok := strings.Cut(strings.TrimSuffix(params, ")"), ","); found && ok {
		fmt.Sscan(after, &scale)
	}
	return name, scale
}

// connectTypes are the schemas of columns, less their names.
var connectTypes = map[string]string{
	"bigint":      `"type":"int64"`,
	"int":         `"type":"int32"`,
	"boolean":     `"type":"boolean"`,
	"text":        `"type":"string"`,
	"bytea":       `"type":"bytes"`,
	"date":        `"type":"int32","name":"io.debezium.time.Date","version":1`,
	"timestamp":   `"type":"int64","name":"io.debezium.time.MicroTimestamp","version":1`,
	"timestamptz": `"type":"string","name":"io.debezium.time.ZonedTimestamp","version":1`,
	"uuid":        `"type":"string","name":"io.debezium.data.Uuid","version":1`,
	"jsonb":       `"type":"string","name":"io.debezium.data.Json","version":1`,
}

func (c pgColumn) schema() string {
	kind, scale := c.kind()
	typ := connectTypes[kind]
	switch {
	case kind == "numeric" && scale >= 0:
		typ = fmt.Sprintf(`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"%d","connect.decimal.precision":"12"}`, scale)
	case kind == "numeric":
		typ = `"type":"struct","name":"io.debezium.data.VariableScaleDecimal","version":1,"fields":[{"type":"int32","optional":false,"field":"scale"},{"type":"bytes","optional":false,"field":"value"}]`
	}
	return fmt.Sprintf(`{%s,"optional":%t,"field":%s}`, typ, !c.key, quoted(c.name))
}

func (t *pgTable) structSchema(name, field string, key bool) string {
	var fields []string
	for _, c := range t.columns {
		if c.key || !key {
			fields = append(fields, c.schema())
		}
	}
	at := ""
	if field != "" {
		at = fmt.Sprintf(`,"field":"%s"`, field)
	}
	return fmt.Sprintf(`{"type":"struct","fields":[%s],"optional":%t,"name":"%s.%s"%s}`, strings.Join(fields, ","), !key, t.topic(), name, at)
}

func (t *pgTable) envelopeSchema() string {
	source := `{"type":"struct","fields":[`
	for i, f := range []string{"version:string", "connector:string", "name:string", "ts_ms:int64", "snapshot:string", "db:string", "sequence:string",
		"ts_us:int64", "ts_ns:int64", "schema:string", "table:string", "txId:int64", "lsn:int64", "xmin:int64"} {
		name, typ, _ := strings.Cut(f, ":")
		if i > 0 {
			source += ","
		}
		source += fmt.Sprintf(`{"type":"%s","optional":true,"field":"%s"}`, typ, name)
	}
	source += `],"optional":false,"name":"io.debezium.connector.postgresql.Source","field":"source"}`
	return fmt.Sprintf(`{"type":"struct","fields":[%s,%s,%s,{"type":"string","optional":true,"field":"transaction"},{"type":"string","optional":false,"field":"op"},`+
		`{"type":"int64","optional":true,"field":"ts_ms"},{"type":"int64","optional":true,"field":"ts_us"},{"type":"int64","optional":true,"field":"ts_ns"}],"optional":false,"name":"%s.Envelope","version":2}`,
		t.structSchema("Value", "before", false), t.structSchema("Value", "after", false), source, t.topic())
}
