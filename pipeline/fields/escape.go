package fields

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Each byte of these is what a text does not simply go on at, or the top bit.
const (
	ones       = 0x0101010101010101
	quotes     = '"' * ones
	backslash  = '\\' * ones
	lowest     = ' ' * ones
	signs      = 0x80 * ones
	wordLength = 8
)

// special returns the place of the next quote, backslash or control character,
// len(b) if there is none. It looks at eight bytes at a time: a byte that is zero
// borrows from its top bit when one is taken off. The lowest that shows is
// certain; those above it may only have lent.
func special(b []byte, i int) int {
	for ; i+wordLength <= len(b); i += wordLength {
		x := binary.LittleEndian.Uint64(b[i:])
		q, s := x^quotes, x^backslash
		if m := ((q-ones)&^q | (s-ones)&^s | (x-lowest)&^x) & signs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// escapeSize is how many bytes an escape takes, 0 if it is none.
func escapeSize(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if b[1] == 'u' {
		if _, ok := hex4(b); !ok {
			return 0
		}
		return 6
	}
	if bytes.IndexByte([]byte(`"\/bfnrt`), b[1]) < 0 {
		return 0
	}
	return 2
}

// unescape appends a text with its escapes undone. A half of a surrogate pair
// becomes U+FFFD, as everywhere in Go.
func unescape(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst, raw = append(dst, raw[:i]...), raw[i:]
		if raw[1] == 'u' {
			var r rune
			r, raw = escapedRune(raw)
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst, raw = append(dst, short(raw[1])), raw[2:]
	}
	return dst
}

// escapedRune reads \uXXXX, and a second one that makes a pair with it.
func escapedRune(raw []byte) (rune, []byte) {
	r, _ := hex4(raw)
	raw = raw[6:]
	if !utf16.IsSurrogate(r) {
		return r, raw
	}
	if low, ok := hex4(raw); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, raw[6:]
		}
	}
	return utf8.RuneError, raw
}

// hex4 reads \uXXXX.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// short is what stands for itself, or for a control character, behind a
// backslash.
func short(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
