package cell

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	secondsOfDay = 24 * 60 * 60
	nanos        = 1_000_000_000
)

// What PostgreSQL's driver gives for infinite dates and times, in whatever unit
// Debezium writes them.
const (
	positiveInfinity = 9223372036825200000
	negativeInfinity = -9223372036832400000
)

// appendDate writes days since the epoch as YYYY-MM-DD.
func appendDate(dst []byte, days int64) ([]byte, error) {
	const most = 3_000_000_000 // days; year 5,874,897 is PostgreSQL's last
	if days > most || days < -most {
		return dst, fmt.Errorf("%d days since 1970 are no date", days)
	}
	t := time.Unix(days*secondsOfDay, 0).UTC()
	return appendEra(appendDay(dst, t), t), nil
}

func appendDay(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	if year <= 0 {
		year = 1 - year // there is no year 0: before 1 AD comes 1 BC
	}
	dst = appendPadded(dst, int64(year), 4)
	dst = appendPadded(append(dst, '-'), int64(month), 2)
	return appendPadded(append(dst, '-'), int64(day), 2)
}

func appendEra(dst []byte, t time.Time) []byte {
	if t.Year() <= 0 {
		return append(dst, " BC"...)
	}
	return dst
}

func appendPadded(dst []byte, n int64, width int) []byte {
	for limit := int64(10); width > 1; width-- {
		if n < limit {
			dst = appendZeros(dst, width-1)
			break
		}
		limit *= 10
	}
	return strconv.AppendInt(dst, n, 10)
}

// appendStamp writes units since the epoch, of which a second has perSecond.
func appendStamp(dst []byte, units, perSecond int64, zone string) ([]byte, error) {
	switch units {
	case positiveInfinity:
		return append(dst, "infinity"...), nil
	case negativeInfinity:
		return append(dst, "-infinity"...), nil
	}
	seconds, rest := floorDiv(units, perSecond)
	const most = 1e13 // seconds; year 294,276 is PostgreSQL's last
	if seconds > most || seconds < -most {
		return dst, fmt.Errorf("%d is no time", units)
	}
	return appendInstant(dst, time.Unix(seconds, rest*(nanos/perSecond)).UTC(), zone), nil
}

func floorDiv(n, by int64) (quotient, rest int64) {
	quotient, rest = n/by, n%by
	if rest < 0 {
		quotient, rest = quotient-1, rest+by
	}
	return quotient, rest
}

func appendInstant(dst []byte, t time.Time, zone string) []byte {
	dst = append(appendDay(dst, t), ' ')
	h, m, s := t.Clock()
	dst = appendClock(dst, int64(h), int64(m), int64(s), int64(t.Nanosecond()))
	return appendEra(append(dst, zone...), t)
}

func appendClock(dst []byte, h, m, s, ns int64) []byte {
	dst = append(appendPadded(dst, h, 2), ':')
	dst = append(appendPadded(dst, m, 2), ':')
	return appendFraction(appendPadded(dst, s, 2), ns)
}

// appendFraction writes a fraction of a second without zeros at its end.
func appendFraction(dst []byte, ns int64) []byte {
	if ns == 0 {
		return dst
	}
	dst = appendPadded(append(dst, '.'), ns, 9)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendTime writes units past midnight; a whole day is 24:00:00.
func appendTime(dst []byte, units, perSecond int64) ([]byte, error) {
	seconds, rest := floorDiv(units, perSecond)
	if seconds < 0 || seconds > secondsOfDay || seconds == secondsOfDay && rest > 0 {
		return dst, fmt.Errorf("%d is no time of a day", units)
	}
	return appendClock(dst, seconds/3600, seconds/60%60, seconds%60, rest*(nanos/perSecond)), nil
}

// appendZonedStamp writes an ISO 8601 time in UTC.
func appendZonedStamp(dst []byte, text, zone string) ([]byte, error) {
	if infinite := strings.ToLower(text); infinite == "infinity" || infinite == "-infinity" {
		return append(dst, infinite...), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return appendInstant(dst, t.UTC(), zone), nil
		}
	}
	return dst, fmt.Errorf("%q is no time", text)
}

// appendZonedTime writes an ISO 8601 time of day in UTC.
func appendZonedTime(dst []byte, text, zone string) ([]byte, error) {
	for _, layout := range []string{"15:04:05.999999999Z07:00", "15:04Z07:00", "15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			h, m, s := t.UTC().Clock()
			return append(appendClock(dst, int64(h), int64(m), int64(s), int64(t.Nanosecond())), zone...), nil
		}
	}
	return dst, fmt.Errorf("%q is no time of a day", text)
}

// appendISODate writes an ISO 8601 date without its zone.
func appendISODate(dst []byte, text string) ([]byte, error) {
	t, err := time.Parse(time.DateOnly, strings.TrimSuffix(text, "Z"))
	if err != nil {
		return dst, fmt.Errorf("%q is no date", text)
	}
	return appendDay(dst, t), nil
}

// CutToMicros cuts what is finer than a microsecond off the text of a time,
// for PostgreSQL holds no more. It does not round: a time must not become one
// that comes after it.
func CutToMicros(text []byte) []byte {
	point := strings.IndexByte(string(text), '.')
	if point < 0 {
		return text
	}
	end := point + 1
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if end-point-1 <= 6 {
		return text
	}
	cut := point + 7
	for text[cut-1] == '0' {
		cut--
	}
	if cut == point+1 {
		cut = point
	}
	return append(append([]byte(nil), text[:cut]...), text[end:]...)
}
