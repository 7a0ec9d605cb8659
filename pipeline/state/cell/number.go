package cell

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// maxDigits is how many digits a numeric may have before it is kept as text.
// PostgreSQL holds 131,072 before the point and 16,383 after it.
const maxDigits = 16_383

// appendNumber writes a JSON number without an exponent. It is an integer if
// its text is, a numeric if not; false if it has too many digits.
func appendNumber(dst []byte, text string) ([]byte, Kind, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return strconv.AppendInt(dst, n, 10), Int, true
	}
	negative, digits, scale, ok := splitNumber(text)
	if !ok {
		return dst, Text, false
	}
	return appendPlaced(dst, negative, digits, scale), Numeric, true
}

// splitNumber takes a JSON number apart: digits * 10^-scale.
func splitNumber(text string) (negative bool, digits []byte, scale int, ok bool) {
	if text != "" && text[0] == '-' {
		negative, text = true, text[1:]
	}
	fraction := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
			if fraction {
				scale++
			}
		case c == '.' && !fraction:
			fraction = true
		case (c == 'e' || c == 'E') && len(digits) > 0:
			exponent, err := strconv.Atoi(text[i+1:])
			if err != nil || exponent > maxDigits || exponent < -maxDigits {
				return false, nil, 0, false
			}
			return negative, digits, scale - exponent, len(digits) <= maxDigits && scale-exponent <= maxDigits
		default:
			return false, nil, 0, false
		}
	}
	return negative, digits, scale, len(digits) > 0 && len(digits) <= maxDigits
}

// appendPlaced writes digits with their point placed.
func appendPlaced(dst []byte, negative bool, digits []byte, scale int) []byte {
	digits = bytes.TrimLeft(digits, "0")
	if negative && len(digits) > 0 {
		dst = append(dst, '-')
	}
	whole := len(digits) - scale
	switch {
	case len(digits) == 0:
		dst = append(dst, '0')
	case whole <= 0:
		dst = append(dst, '0')
	case whole <= len(digits):
		dst = append(dst, digits[:whole]...)
	default:
		dst = append(dst, digits...)
		return appendZeros(dst, whole-len(digits))
	}
	if scale <= 0 {
		return dst
	}
	dst = append(dst, '.')
	if whole < 0 {
		dst = appendZeros(dst, min(-whole, scale-len(digits)))
		return append(dst, digits...)
	}
	return append(dst, digits[min(whole, len(digits)):]...)
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}

// appendDecimal writes a big-endian two's complement number with a scale, as
// Connect's Decimal holds it.
func appendDecimal(dst, number []byte, scale int) ([]byte, error) {
	if len(number) == 0 {
		return dst, fmt.Errorf("a decimal has no bytes")
	}
	if len(number) > maxDigits/2 || scale > maxDigits || scale < -maxDigits {
		return dst, fmt.Errorf("a decimal of %d bytes and scale %d is too long", len(number), scale)
	}
	if len(number) <= 8 {
		var wide [8]byte
		if number[0] >= 0x80 {
			binary.BigEndian.PutUint64(wide[:], math.MaxUint64)
		}
		copy(wide[8-len(number):], number)
		n := int64(binary.BigEndian.Uint64(wide[:]))
		var digits [20]byte
		return appendPlaced(dst, n < 0, strconv.AppendUint(digits[:0], magnitude(n), 10), scale), nil
	}
	n := new(big.Int).SetBytes(number)
	if number[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(number))*8))
	}
	return appendPlaced(dst, n.Sign() < 0, []byte(new(big.Int).Abs(n).String()), scale), nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// TrimScale returns a numeric text without zeros at the end of its fraction, as
// PostgreSQL's trim_scale does: 12.50 and 12.5 are the same number.
func TrimScale(text []byte) []byte {
	if bytes.IndexByte(text, '.') < 0 {
		return text
	}
	return bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte{'.'})
}

// Below and from these exponents PostgreSQL writes a float with an exponent.
const (
	lowExponent    = -4
	highExponent32 = 6
	highExponent64 = 15
)

// appendFloat writes a float as PostgreSQL does: the shortest text that reads
// back as the same number.
func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	high := highExponent64
	if bits == 32 {
		high = highExponent32
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'e', -1, bits)
	mark := start + bytes.LastIndexByte(dst[start:], 'e')
	if exponent, _ := strconv.Atoi(string(dst[mark+1:])); exponent < lowExponent || exponent >= high {
		return dst
	}
	return strconv.AppendFloat(dst[:start], v, 'f', -1, bits)
}
