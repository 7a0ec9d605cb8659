package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// day is a unit of the configuration: retention counts in days.
const day = 24 * time.Hour

// Duration is a span of time. Its text form is Go's ("10s", "1h30m") or a whole
// number of days ("7d"). A bare number is refused: nobody can tell its unit.
type Duration time.Duration

// Std returns the duration as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 64)
		if err != nil || n > math.MaxInt64/int64(day) || n < math.MinInt64/int64(day) {
			return durationError(s)
		}
		*d = Duration(time.Duration(n) * day)
		return nil
	}
	if !strings.ContainsAny(s, "hmsµu") {
		return durationError(s)
	}
	std, err := time.ParseDuration(s)
	if err != nil {
		return durationError(s)
	}
	*d = Duration(std)
	return nil
}

func durationError(s string) error {
	return fmt.Errorf("%q is not a duration: want a number with a unit, such as 500ms, 10s, 1h30m or 7d", s)
}

// MarshalText writes a duration so that UnmarshalText reads the same.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string {
	if std := d.Std(); std != 0 && std%day == 0 {
		return strconv.FormatInt(int64(std/day), 10) + "d"
	}
	return d.Std().String()
}
