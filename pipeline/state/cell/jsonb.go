package cell

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Canonical returns JSON as PostgreSQL prints jsonb: names sorted by length and
// then by bytes, the last of a repeated name, a blank after a colon and a comma,
// numbers without an exponent. It tells whether two JSON texts mean the same.
func Canonical(text []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	return appendJSONB(nil, v), nil
}

func appendJSONB(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case string:
		return AppendString(dst, v)
	case json.Number:
		if text, _, ok := appendNumber(dst, v.String()); ok {
			return text
		}
		return append(dst, v.String()...)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJSONB(dst, e)
		}
		return append(dst, ']')
	case map[string]any:
		return appendJSONBObject(dst, v)
	}
	return dst
}

func appendJSONBObject(dst []byte, object map[string]any) []byte {
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(AppendString(dst, k), ": "...)
		dst = appendJSONB(dst, object[k])
	}
	return append(dst, '}')
}

// AppendString writes a JSON string. Only what must be escaped is.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch short := strings.IndexByte("\"\\\b\f\n\r\t", c); short {
		case -1:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, '\\', `"\bfnrt`[short])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
