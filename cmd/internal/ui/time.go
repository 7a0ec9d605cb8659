package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Between these a number of milliseconds lies in the years 1970 to 1973, and a
// number of seconds in 1973 to 5138: whoever writes it means seconds.
const (
	secondsFrom = 100_000_000
	secondsTo   = 100_000_000_000
)

// ParseTime reads a moment as RFC 3339 or as Unix milliseconds.
func ParseTime(text string) (time.Time, error) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if ms >= secondsFrom && ms < secondsTo {
			return time.Time{}, fmt.Errorf("time %s looks like seconds: want Unix milliseconds, %s000", text, text)
		}
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(text, " ", "T", 1))
	if err == nil {
		return t, nil
	}
	if _, local := time.Parse("2006-01-02T15:04:05", strings.Replace(text, " ", "T", 1)); local == nil {
		return time.Time{}, fmt.Errorf("time %q has no zone: want %sZ for UTC, or an offset such as +02:00", text, text)
	}
	return time.Time{}, fmt.Errorf("time %q: want RFC 3339, such as 2026-11-21T09:30:00Z, or Unix milliseconds", text)
}
