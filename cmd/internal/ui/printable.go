package ui

import (
	"strings"
	"unicode"

	"github.com/dustin/go-humanize"
)

// Printable returns the text on one line, with everything that a terminal
// would act on written out: a newline as "; ", the rest as U+FFFD.
func Printable(s string) string {
	s = strings.ReplaceAll(strings.TrimRight(s, "\r\n"), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// Bytes writes a number of bytes with a binary unit, "1.5 MiB".
func Bytes(n int64) string {
	if n < 0 {
		return "-" + humanize.IBytes(uint64(-n))
	}
	return humanize.IBytes(uint64(n))
}
