package cell

import (
	"strings"

	"github.com/tidwall/gjson"
)

// unavailable stands for a value that was too large to be in every change and
// was not changed by this one. It stands as text, as bytes, and alone in an
// array or a map.
const (
	unavailable      = "__debezium_unavailable_value"
	unavailableBytes = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
)

// IsAbsent tells whether a JSON value stands for the one before.
func IsAbsent(v gjson.Result) bool {
	switch v.Type {
	case gjson.String:
		return len(v.Str) >= len(unavailable) && (v.Str == unavailable || v.Str == unavailableBytes)
	case gjson.JSON:
		return len(v.Raw) < 3*len(unavailable) && strings.Contains(v.Raw, unavailable) && isAbsentAlone(v)
	}
	return false
}

func isAbsentAlone(v gjson.Result) bool {
	alone, n := false, 0
	v.ForEach(func(key, value gjson.Result) bool {
		n++
		alone = value.Str == unavailable && (v.IsArray() || key.Str == unavailable)
		return n < 2
	})
	return alone && n == 1
}

// Infer appends the text of a JSON value that no schema describes. Whole
// numbers of 64 bits are integers, other numbers numeric, text is text whatever
// it looks like, objects and arrays are JSON.
func Infer(dst []byte, v gjson.Result) ([]byte, Kind) {
	switch v.Type {
	case gjson.True:
		return append(dst, "true"...), Bool
	case gjson.False:
		return append(dst, "false"...), Bool
	case gjson.Number:
		if text, kind, ok := appendNumber(dst, v.Raw); ok {
			return text, kind
		}
		return append(dst, v.Raw...), Text
	case gjson.String:
		return append(dst, v.Str...), Text
	case gjson.JSON:
		return append(dst, v.Raw...), JSON
	}
	return dst, Unknown
}

// As returns the text of a cell in a column of another kind; see [Join].
func As(to, from Kind, text []byte) []byte {
	switch {
	case to == from:
		return text
	case to == JSON:
		return AppendJSON(nil, from, text)
	case to == Numeric && (from == Float32 || from == Float64):
		if plain, _, ok := appendNumber(nil, string(text)); ok {
			return plain
		}
	case from == Bytes:
		return AppendHex(nil, text)
	}
	return text
}
