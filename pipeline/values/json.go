package values

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// ParseJSON reads one JSON value (RFC 8259). Numbers are json.Number, with the
// digits that they came with. Of a key that is given twice the last counts.
// Bytes that are not UTF-8 are refused, never replaced. Its error is a
// *FormatError.
func ParseJSON(b []byte) (any, error) {
	if err := checkJSON(b); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, jsonError(int64(len(b)), err)
	}
	at := d.InputOffset()
	if _, err := d.Token(); err != io.EOF {
		return nil, jsonError(at, errTrailing)
	}
	return tree, nil
}

func jsonError(at int64, err error) error {
	if s := (*json.SyntaxError)(nil); errors.As(err, &s) {
		at = s.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errors.New("it breaks off")
	}
	return &FormatError{Format: FormatJSON, At: at, Err: err}
}

var errUTF8 = errors.New("not UTF-8")

// checkJSON refuses what would be replaced silently or take too much memory.
func checkJSON(b []byte) error {
	if len(b) > maxBytes {
		return jsonError(maxBytes, ErrTooLarge)
	}
	if !utf8.Valid(b) {
		return jsonError(int64(invalidAt(b)), errUTF8)
	}
	// Commas and brackets within texts count too: only where there are too
	// many is it worth looking which are which.
	rough := bytes.Count(b, []byte{','}) + bytes.Count(b, []byte{'['}) + bytes.Count(b, []byte{'{'})
	if rough < min(maxNodes, maxDepth) {
		return nil
	}
	nodes, depth := measureJSON(b)
	if nodes > maxNodes || depth > maxDepth {
		return jsonError(-1, ErrTooLarge)
	}
	return nil
}

// invalidAt returns where the first byte that is not UTF-8 stands.
func invalidAt(b []byte) int {
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// measureJSON counts values, at most, and how deep they go, without making any.
func measureJSON(b []byte) (nodes, deepest int) {
	nodes, depth, inText := 1, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == ',':
			nodes++
		case c == '[' || c == '{':
			nodes++
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return nodes, deepest
}

// decodeJSON reads plain JSON, and Connect's.
func decodeJSON(b []byte) (Value, error) {
	tree, err := ParseJSON(b)
	if err != nil {
		return Value{}, err
	}
	if schema, payload, ok := connectParts(tree); ok {
		return decodeConnect(schema, payload)
	}
	return Value{Tree: tree, Format: FormatJSON}, nil
}
