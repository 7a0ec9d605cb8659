package values

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// rendering turns a value as it is on the wire into what it means. What does
// not fit its type stays as it is: the value is what was produced, and the
// schema is only what somebody said of it.
type rendering func(t *Type, v any) any

// mean sets a type's kind, the unit of its numbers, and its rendering.
func (t *Type) mean(k Kind, unit time.Duration, r rendering) {
	t.Kind, t.unit, t.render = k, unit, r
}

// meanings are the semantic types of Kafka Connect and Debezium, by the name
// that a schema has in connect-JSON, and in Avro as its connect.name.
var meanings = map[string]func(t *Type){
	"org.apache.kafka.connect.data.Decimal":   func(t *Type) { t.mean(KindDecimal, 0, decimal) },
	"org.apache.kafka.connect.data.Date":      func(t *Type) { t.mean(KindDate, day, date) },
	"org.apache.kafka.connect.data.Time":      func(t *Type) { t.mean(KindTime, time.Millisecond, timeOfDay) },
	"org.apache.kafka.connect.data.Timestamp": func(t *Type) { t.mean(KindTimestamp, time.Millisecond, timestamp) },

	"io.debezium.time.Date":           func(t *Type) { t.mean(KindDate, day, date) },
	"io.debezium.time.Time":           func(t *Type) { t.mean(KindTime, time.Millisecond, timeOfDay) },
	"io.debezium.time.MicroTime":      func(t *Type) { t.mean(KindTime, time.Microsecond, timeOfDay) },
	"io.debezium.time.NanoTime":       func(t *Type) { t.mean(KindTime, time.Nanosecond, timeOfDay) },
	"io.debezium.time.Timestamp":      func(t *Type) { t.mean(KindLocalTimestamp, time.Millisecond, timestamp) },
	"io.debezium.time.MicroTimestamp": func(t *Type) { t.mean(KindLocalTimestamp, time.Microsecond, timestamp) },
	"io.debezium.time.NanoTimestamp":  func(t *Type) { t.mean(KindLocalTimestamp, time.Nanosecond, timestamp) },
	"io.debezium.time.ZonedTimestamp": func(t *Type) { t.mean(KindTimestamp, 0, nil) },
	"io.debezium.time.IsoTimestamp":   func(t *Type) { t.mean(KindLocalTimestamp, 0, nil) },
	"io.debezium.time.IsoDate":        func(t *Type) { t.mean(KindDate, 0, nil) },
	"io.debezium.time.ZonedTime":      func(t *Type) { t.mean(KindTime, 0, nil) },
	"io.debezium.time.IsoTime":        func(t *Type) { t.mean(KindTime, 0, nil) },

	"io.debezium.data.Uuid": func(t *Type) { t.mean(KindUUID, 0, nil) },
	"io.debezium.data.Json": func(t *Type) { t.mean(KindJSON, 0, nil) },
	"io.debezium.data.Enum": func(t *Type) { t.mean(KindEnum, 0, nil) },
	// A record on the wire, and a decimal to those who read it.
	"io.debezium.data.VariableScaleDecimal": func(t *Type) { t.Scale = -1; t.mean(KindDecimal, 0, scaledDecimal) },
}

const day = 24 * time.Hour

// integer returns a number that is a whole one of 64 bits.
func integer(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	return i, err == nil
}

// firstDay and lastDay are 0000-01-01 and 9999-12-31 in days since the epoch:
// beyond, RFC 3339 has no form.
const (
	firstDay = -719528
	lastDay  = 2932896
)

func date(_ *Type, v any) any {
	n, ok := integer(v)
	if !ok || n < firstDay || n > lastDay {
		return v
	}
	return time.Unix(n*int64(day/time.Second), 0).UTC().Format(time.DateOnly)
}

// digits are those of a second's fraction.
func digits(unit time.Duration) string {
	switch unit {
	case time.Millisecond:
		return ".000"
	case time.Microsecond:
		return ".000000"
	case time.Nanosecond:
		return ".000000000"
	}
	return ""
}

// timeOfDay knows 24:00:00, as PostgreSQL does.
func timeOfDay(t *Type, v any) any {
	n, ok := integer(v)
	if !ok || n < 0 || n > int64(day/t.unit) {
		return v
	}
	if n == int64(day/t.unit) {
		return "24:00:00" + digits(t.unit)
	}
	return time.Unix(0, n*int64(t.unit)).UTC().Format(time.TimeOnly + digits(t.unit))
}

func timestamp(t *Type, v any) any {
	n, ok := integer(v)
	if !ok {
		return v
	}
	var at time.Time
	switch t.unit {
	case time.Millisecond:
		at = time.UnixMilli(n).UTC()
	case time.Microsecond:
		at = time.UnixMicro(n).UTC()
	default:
		at = time.Unix(0, n).UTC()
	}
	if at.Year() < 0 || at.Year() > 9999 {
		return v
	}
	layout := "2006-01-02T15:04:05" + digits(t.unit)
	if t.Kind == KindTimestamp {
		layout += "Z"
	}
	return at.Format(layout)
}

// octets returns bytes as Avro has them, or as Connect's JSON does, in base64.
func octets(v any) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return v, true
	case string:
		b, err := base64.StdEncoding.DecodeString(v)
		return b, err == nil
	}
	return nil, false
}

func decimal(t *Type, v any) any {
	b, ok := octets(v)
	if !ok {
		return v
	}
	return decimalOf(v, b, t.Scale)
}

// scaledDecimal is Debezium's decimal that brings its scale: {scale, value}.
func scaledDecimal(_ *Type, v any) any {
	parts, _ := v.(map[string]any)
	scale, known := integer(parts["scale"])
	b, ok := octets(parts["value"])
	if !known || !ok || len(parts) != 2 || scale > maxScale || scale < -maxScale {
		return v
	}
	return decimalOf(v, b, int(scale))
}

// decimalOf writes a two's complement number, big-endian, with its scale. What
// is beyond the limits stays as it is.
func decimalOf(v any, b []byte, scale int) any {
	if len(b) == 0 || len(b) > maxDecimal || scale > maxScale || scale < -maxScale {
		return v
	}
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
		n.Neg(n)
	}
	text := n.String()
	switch {
	case scale < 0 && text != "0":
		text += strings.Repeat("0", -scale)
	case scale > 0:
		if short := scale + 1 - len(text); short > 0 {
			text = strings.Repeat("0", short) + text
		}
		text = text[:len(text)-scale] + "." + text[len(text)-scale:]
	}
	return json.Number(sign + text)
}

// base64Bytes is Connect's form of bytes in JSON.
func base64Bytes(_ *Type, v any) any {
	if b, ok := octets(v); ok {
		return b
	}
	return v
}

// uuidBytes writes the 16 bytes of a UUID as RFC 9562 does.
func uuidBytes(_ *Type, v any) any {
	b, ok := v.([]byte)
	if !ok || len(b) != 16 {
		return v
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
