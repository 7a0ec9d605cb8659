package jsonline

const hexDigits = "0123456789abcdef"

// appendText appends valid UTF-8 as a JSON string (RFC 8259), escaped as
// encoding/json does it: the line separators U+2028 and U+2029, too.
func appendText(b, text []byte) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0xe2 {
			continue
		}
		if c == 0xe2 {
			if text[i+1] == 0x80 && text[i+2]&^1 == 0xa8 {
				b = append(append(b, text[start:i]...), `\u202`...)
				b = append(b, hexDigits[text[i+2]&0xf])
				start = i + 3
			}
			i += 2
			continue
		}
		b = appendEscape(append(b, text[start:i]...), c)
		start = i + 1
	}
	return append(append(b, text[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
