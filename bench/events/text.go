package events

import (
	"encoding/hex"
	"strconv"
)

// appendName begins a field of a JSON object, with a comma unless it is the
// first. Names need no escapes.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// appendText writes a field with a text that needs no escapes.
func appendText(b []byte, name, text string) []byte {
	b = append(appendName(b, name), '"')
	return append(append(b, text...), '"')
}

func appendInt(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) }

// appendIntText writes an id as a text: many readers of JSON lose digits above
// 2^53.
func appendIntText(b []byte, name string, v int64) []byte {
	b = append(appendName(b, name), '"')
	return append(appendInt(b, v), '"')
}

func appendUser(b []byte, number int) []byte {
	b = append(appendName(b, "user_id"), `"c-`...)
	return append(appendInt(b, int64(number)), '"')
}

// appendCents writes an amount as a decimal text, "12.05".
func appendCents(b []byte, cents int64) []byte {
	b = appendInt(append(b, '"'), cents/100)
	return append(b, '.', byte('0'+cents/10%10), byte('0'+cents%10), '"')
}

// appendHex writes a number as a text of 16 hex digits.
func appendHex(b []byte, v uint64) []byte { return append(appendDigits(append(b, '"'), v), '"') }

func appendHexBytes(b, v []byte) []byte { return append(hex.AppendEncode(append(b, '"'), v), '"') }

func appendDigits(b []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[v>>shift&15])
	}
	return b
}

func appendRowKey(b []byte, column string, id int64) []byte {
	return append(appendInt(appendName(append(b, '{'), column), id), '}')
}
