package cell

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

const (
	connectDecimal = "org.apache.kafka.connect.data.Decimal"
	connectDate    = "org.apache.kafka.connect.data.Date"
	connectTime    = "org.apache.kafka.connect.data.Time"
)

// meanings say what the named types of Debezium and Connect are.
var meanings = map[string]Kind{
	connectDecimal: Numeric, connectDate: Date, connectTime: Time, "org.apache.kafka.connect.data.Timestamp": Timestamp,
	"io.debezium.time.Date": Date, "io.debezium.time.IsoDate": Date,
	"io.debezium.time.Time": Time, "io.debezium.time.MicroTime": Time, "io.debezium.time.NanoTime": Time, "io.debezium.time.IsoTime": Time,
	"io.debezium.time.ZonedTime": TimeTZ,
	"io.debezium.time.Timestamp": Timestamp, "io.debezium.time.MicroTimestamp": Timestamp, "io.debezium.time.NanoTimestamp": Timestamp,
	"io.debezium.time.IsoTimestamp": Timestamp, "io.debezium.time.ZonedTimestamp": TimestampTZ,
	"io.debezium.time.Interval": Interval, "io.debezium.time.MicroDuration": Interval, "io.debezium.time.NanoDuration": Interval,
	"io.debezium.data.VariableScaleDecimal": Numeric, "io.debezium.data.Uuid": UUID, "io.debezium.data.Json": JSON, "io.debezium.data.Bits": Bits,
}

// HasMeaning tells whether a name of a type is one that Append knows.
func HasMeaning(name string) bool { _, ok := meanings[name]; return ok }

// perSecond says how many of a type's units a second has.
var perSecond = map[string]int64{
	connectTime: 1e3, "org.apache.kafka.connect.data.Timestamp": 1e3, "io.debezium.time.Time": 1e3, "io.debezium.time.Timestamp": 1e3,
	"io.debezium.time.MicroTime": 1e6, "io.debezium.time.MicroTimestamp": 1e6, "io.debezium.time.MicroDuration": 1e6,
	"io.debezium.time.NanoTime": 1e9, "io.debezium.time.NanoTimestamp": 1e9, "io.debezium.time.NanoDuration": 1e9,
}

var bases = map[string]Kind{
	"boolean": Bool, "int8": Int, "int16": Int, "int32": Int, "int64": Int, "float": Float32, "float32": Float32,
	"double": Float64, "float64": Float64, "string": Text, "bytes": Bytes, "struct": JSON, "map": JSON, "array": JSON,
}

// Kind returns the kind of the values of a type, [Unknown] of nil.
func (t *Type) Kind() Kind {
	if t == nil {
		return Unknown
	}
	if k, ok := meanings[t.Name]; ok {
		return k
	}
	if t.Base == "array" && t.Items != nil {
		return ArrayOf(t.Items.Kind())
	}
	return bases[t.Base]
}

// Append appends the text of a JSON value that is not null, and returns its
// kind. A value that its type cannot have is an error.
func (t *Type) Append(dst []byte, v gjson.Result) ([]byte, Kind, error) {
	kind := t.Kind()
	if element, array := kind.Element(); array {
		dst, err := t.Items.appendArray(dst, v, element)
		return dst, kind, err
	}
	var err error
	switch kind {
	case Unknown:
		dst, kind = Infer(dst, v)
	case Bool:
		dst, err = appendBool(dst, v)
	case Int:
		dst, err = t.appendInt(dst, v)
	case Numeric:
		dst, err = t.appendNumeric(dst, v)
	case Float32, Float64:
		dst, err = appendFloatValue(dst, v, kind)
	case Bytes:
		dst, err = appendBase64(dst, v)
	case Bits:
		dst, err = t.appendBits(dst, v)
	case Date, Time, TimeTZ, Timestamp, TimestampTZ, Interval:
		dst, err = t.appendMoment(dst, v, kind)
	case JSON:
		dst, err = appendJSON(dst, v)
	case UUID:
		dst, err = appendUUID(dst, v)
	default:
		dst, err = appendText(dst, v.Str, v)
	}
	return dst, kind, err
}

func wrong(v gjson.Result, want string) error {
	raw := v.Raw
	if len(raw) > 40 {
		raw = raw[:40] + "…"
	}
	return fmt.Errorf("%s is no %s", raw, want)
}

func appendBool(dst []byte, v gjson.Result) ([]byte, error) {
	if v.Type != gjson.True && v.Type != gjson.False {
		return dst, wrong(v, "boolean")
	}
	return append(dst, v.Raw...), nil
}

func (t *Type) appendInt(dst []byte, v gjson.Result) ([]byte, error) {
	n, err := integer(v, "integer")
	return strconv.AppendInt(dst, n, 10), err
}

func integer(v gjson.Result, want string) (int64, error) {
	n, err := strconv.ParseInt(v.Raw, 10, 64)
	if v.Type != gjson.Number || err != nil {
		return 0, wrong(v, want)
	}
	return n, nil
}

// appendNumeric takes base64 with the scale of the type, or with a scale of its
// own.
func (t *Type) appendNumeric(dst []byte, v gjson.Result) ([]byte, error) {
	scale := t.Scale
	if v.IsObject() {
		scale, v = int(v.Get("scale").Int()), v.Get("value")
	}
	if v.Type == gjson.Number { // some converters write decimals as numbers
		dst, _, ok := appendNumber(dst, v.Raw)
		if !ok {
			return dst, wrong(v, "decimal")
		}
		return dst, nil
	}
	number, err := base64.StdEncoding.DecodeString(v.Str)
	if v.Type != gjson.String || err != nil {
		return dst, wrong(v, "decimal in base64")
	}
	return appendDecimal(dst, number, scale)
}

func appendFloatValue(dst []byte, v gjson.Result, kind Kind) ([]byte, error) {
	bits := 64
	if kind == Float32 {
		bits = 32
	}
	text := v.Raw
	if v.Type == gjson.String { // NaN and the infinities
		text = v.Str
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil && !math.IsInf(f, 0) || v.Type != gjson.Number && v.Type != gjson.String {
		return dst, wrong(v, "number")
	}
	return appendFloat(dst, f, bits), nil
}

func appendBase64(dst []byte, v gjson.Result) ([]byte, error) {
	if v.Type != gjson.String {
		return dst, wrong(v, "base64")
	}
	out, err := base64.StdEncoding.AppendDecode(dst, []byte(v.Str))
	if err != nil {
		return dst, wrong(v, "base64")
	}
	return out, nil
}

// appendBits writes a bit string from its highest bit on; its bytes come with
// the lowest first.
func (t *Type) appendBits(dst []byte, v gjson.Result) ([]byte, error) {
	raw, err := appendBase64(nil, v)
	if err != nil {
		return dst, err
	}
	n := t.Length
	if n <= 0 || n > len(raw)*8 {
		n = len(raw) * 8
	}
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, '0'+raw[i/8]>>(i%8)&1)
	}
	return dst, nil
}

func (t *Type) appendMoment(dst []byte, v gjson.Result, kind Kind) ([]byte, error) {
	if v.Type == gjson.String {
		switch kind {
		case Date:
			return appendISODate(dst, v.Str)
		case Time:
			return appendZonedTime(dst, v.Str, "")
		case TimeTZ:
			return appendZonedTime(dst, v.Str, "+00")
		case Timestamp:
			return appendZonedStamp(dst, v.Str, "")
		case TimestampTZ:
			return appendZonedStamp(dst, v.Str, "+00")
		}
		i, err := parseInterval(v.Str)
		return i.append(dst), err
	}
	n, err := integer(v, kind.String())
	if err != nil {
		return dst, err
	}
	units := perSecond[t.Name]
	switch {
	case kind == Date:
		return appendDate(dst, n)
	case units == 0:
		return dst, wrong(v, kind.String())
	case kind == Time:
		return appendTime(dst, n, units)
	case kind == Timestamp:
		return appendStamp(dst, n, units, "")
	}
	return interval{micros: n / (units / 1e6)}.append(dst), nil
}

// appendJSON takes JSON that is written as text, and what is JSON here.
func appendJSON(dst []byte, v gjson.Result) ([]byte, error) {
	if v.Type == gjson.String {
		if !gjson.Valid(v.Str) {
			return dst, wrong(v, "JSON text")
		}
		return append(dst, v.Str...), nil
	}
	return append(dst, v.Raw...), nil
}

// appendUUID takes the form of RFC 9562.
func appendUUID(dst []byte, v gjson.Result) ([]byte, error) {
	digits := strings.ReplaceAll(v.Str, "-", "")
	if _, err := hex.DecodeString(digits); err != nil || len(v.Str) != 36 || len(digits) != 32 {
		return dst, wrong(v, "UUID")
	}
	return append(dst, strings.ToLower(v.Str)...), nil
}

func appendText(dst []byte, text string, v gjson.Result) ([]byte, error) {
	if v.Type != gjson.String {
		return dst, wrong(v, "text")
	}
	return append(dst, text...), nil
}

// appendArray writes a JSON array of the elements' texts.
func (t *Type) appendArray(dst []byte, v gjson.Result, element Kind) ([]byte, error) {
	if !v.IsArray() {
		return dst, wrong(v, "array")
	}
	dst = append(dst, '[')
	first, failed := true, error(nil)
	var text []byte
	v.ForEach(func(_, e gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if e.Type == gjson.Null {
			dst = append(dst, "null"...)
			return true
		}
		text, _, failed = t.Append(text[:0], e)
		if element == Timestamp || element == TimestampTZ {
			dst = AppendString(dst, string(text))
		} else {
			dst = AppendJSON(dst, element, text)
		}
		return failed == nil
	})
	return append(dst, ']'), failed
}

// AppendJSON appends a cell that is not null as JSON: numbers and booleans as
// such, bytes in base64, all else as text. Floats that JSON has no number for
// are text.
func AppendJSON(dst []byte, k Kind, text []byte) []byte {
	if _, array := k.Element(); array || k == JSON || k == Bool || k == Int {
		return append(dst, text...)
	}
	switch k {
	case Bytes:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), text), '"')
	case Numeric, Float32, Float64:
		if last := text[len(text)-1]; last >= '0' && last <= '9' {
			return append(dst, text...)
		}
	case Timestamp, TimestampTZ:
		return appendISOStamp(dst, text, k)
	}
	return AppendString(dst, string(text))
}

// appendISOStamp writes a time as RFC 3339 does; what it cannot write stays as
// it is.
func appendISOStamp(dst, text []byte, k Kind) []byte {
	blank := strings.IndexByte(string(text), ' ')
	if blank < 0 || text[len(text)-1] == 'C' {
		return AppendString(dst, string(text))
	}
	dst = append(append(append(dst, '"'), text[:blank]...), 'T')
	dst = append(dst, text[blank+1:]...)
	if k == TimestampTZ {
		dst = append(dst[:len(dst)-len("+00")], 'Z')
	}
	return append(dst, '"')
}

// AppendHex appends bytes as PostgreSQL prints them.
func AppendHex(dst, b []byte) []byte { return hex.AppendEncode(append(dst, `\x`...), b) }
