package cell

import (
	"fmt"
	"strconv"
	"strings"
)

// interval is what PostgreSQL holds: months and days are not seconds.
type interval struct{ months, days, micros int64 }

// parseInterval reads ISO 8601, as Debezium writes it: P1Y2M3DT4H5M6.7S.
func parseInterval(text string) (interval, error) {
	var i interval
	wrong := fmt.Errorf("%q is no interval", text)
	rest, ok := strings.CutPrefix(text, "P")
	if !ok {
		return i, wrong
	}
	inTime := false
	for rest != "" {
		if rest[0] == 'T' {
			inTime, rest = true, rest[1:]
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r >= 'A' && r <= 'Z' })
		if end < 1 || !i.add(rest[:end], rest[end], inTime) {
			return i, wrong
		}
		rest = rest[end+1:]
	}
	return i, nil
}

// add adds a number of units.
func (i *interval) add(number string, unit byte, inTime bool) bool {
	if unit == 'S' && inTime {
		n, ok := microsOf(number)
		i.micros += n
		return ok
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return false
	}
	switch {
	case unit == 'Y' && !inTime:
		i.months += 12 * n
	case unit == 'M' && !inTime:
		i.months += n
	case unit == 'W' && !inTime:
		i.days += 7 * n
	case unit == 'D' && !inTime:
		i.days += n
	case unit == 'H' && inTime:
		i.micros += n * 3600 * 1e6
	case unit == 'M' && inTime:
		i.micros += n * 60 * 1e6
	default:
		return false
	}
	return true
}

func microsOf(seconds string) (int64, bool) {
	whole, fraction, _ := strings.Cut(seconds, ".")
	if len(fraction) > 6 {
		fraction = fraction[:6]
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
	return n, err == nil
}

// append writes what PostgreSQL prints with intervalstyle iso_8601.
func (i interval) append(dst []byte) []byte {
	if i == (interval{}) {
		return append(dst, "PT0S"...)
	}
	unit := func(n int64, name byte) {
		if n != 0 {
			dst = append(strconv.AppendInt(dst, n, 10), name)
		}
	}
	dst = append(dst, 'P')
	unit(i.months/12, 'Y')
	unit(i.months%12, 'M')
	unit(i.days, 'D')
	if i.micros == 0 {
		return dst
	}
	dst = append(dst, 'T')
	unit(i.micros/(3600*1e6), 'H')
	unit(i.micros/(60*1e6)%60, 'M')
	if rest := i.micros % (60 * 1e6); rest != 0 {
		if rest < 0 {
			dst = append(dst, '-')
			rest = -rest
		}
		dst = appendFraction(strconv.AppendInt(dst, rest/1e6, 10), rest%1e6*1000)
		dst = append(dst, 'S')
	}
	return dst
}
