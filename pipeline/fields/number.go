package fields

import (
	"bytes"
	"strconv"
)

// plainDigits is up to how many digits a whole number is written out.
const plainDigits = 40

// appendNumber appends the canonical form of a JSON number: whole numbers
// without an exponent, up to 40 digits; all others as their digits, without
// zeros at either end, and a power of ten: 12.50 is 125e-1. A power that does
// not fit 18 digits leaves the number as it is written.
func appendNumber(dst, text []byte) []byte {
	if isPlain(text) {
		return append(dst, text...)
	}
	number, power, ok := cutExponent(text)
	if !ok {
		return append(dst, text...)
	}
	from := len(dst)
	if number[0] == '-' {
		dst, number = append(dst, '-'), number[1:]
	}
	at := len(dst)
	whole, fraction, _ := bytes.Cut(number, []byte("."))
	dst = append(append(dst, bytes.TrimLeft(whole, "0")...), fraction...)
	if len(dst)-at == len(fraction) { // zeros after the point are in front, too
		dst = append(dst[:at], bytes.TrimLeft(fraction, "0")...)
	}
	digits := bytes.TrimRight(dst[at:], "0")
	power += int64(len(dst) - at - len(digits) - len(fraction))
	dst = dst[:at+len(digits)]
	if len(digits) == 0 {
		return append(dst[:from], '0')
	}
	return appendPower(dst, power, plainDigits-len(digits))
}

// appendPower appends zeros for a power of ten up to room, else the power.
func appendPower(dst []byte, power int64, room int) []byte {
	if power < 0 || power > int64(room) {
		return strconv.AppendInt(append(dst, 'e'), power, 10)
	}
	for range power {
		dst = append(dst, '0')
	}
	return dst
}

// isPlain reports whether a number is its own canonical form: nearly all are.
func isPlain(text []byte) bool {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
		if len(digits) > 0 && digits[0] == '0' {
			return false // -0, or a fraction
		}
	}
	if len(digits) > plainDigits {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// cutExponent takes the exponent off a JSON number. It is false for one of more
// than 18 digits.
func cutExponent(text []byte) (number []byte, power int64, ok bool) {
	i := bytes.IndexAny(text, "eE")
	if i < 0 {
		return text, 0, true
	}
	number, exponent := text[:i], text[i+1:]
	negative := exponent[0] == '-'
	if negative || exponent[0] == '+' {
		exponent = exponent[1:]
	}
	if len(exponent) > 18 {
		return nil, 0, false
	}
	for _, c := range exponent {
		power = 10*power + int64(c-'0')
	}
	if negative {
		power = -power
	}
	return number, power, true
}

// isNumber reports whether a text is a JSON number.
func isNumber(text string) bool {
	s := scanner{b: []byte(text)}
	return text != "" && s.number() && s.at == len(s.b)
}
