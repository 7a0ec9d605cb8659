package config

import (
	"errors"
	"math"
	"os"
	"testing"
	"time"
)

// The law: whatever the text, there is a configuration that keeps the rules or
// an *Error, and never both.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example, "TIDEMARK_SEGMENT_SIZE=1")
	f.Add([]byte(small), "TIDEMARK_TOPICS_0_NAME=x")
	f.Add([]byte("a: &a [*a, *a]"), "TIDEMARK_REGIONS_2_CREDENTIALS_SOURCE=auto")
	f.Add([]byte("{{{"), "TIDEMARK_=")
	f.Fuzz(func(t *testing.T, text []byte, variable string) {
		c, err := parse("f.yaml", text, []string{variable})
		var mistake *Error
		switch {
		case err == nil && (c.Segment.Size <= 0 || c.Memory <= 0 || len(c.Regions) != 2):
			t.Fatalf("accepted %+v", c)
		case err == nil && c.Regions[0].URL.overlaps(c.Regions[1].URL):
			t.Fatalf("accepted one place twice: %s, %s", c.Regions[0].URL, c.Regions[1].URL)
		case err != nil && (!errors.As(err, &mistake) || c != nil):
			t.Fatalf("got %v beside %v", err, c)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"0", "16MiB", "-1", "9223372036854775807B", "8 GB", "1e3", "KiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, again Size
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s || s < 0 {
			t.Fatalf("%q is %s, which is %s (%v)", text, s, again, err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"0s", "10s", "7d", "-1d", "1h30m", "106751d", "106752d", "10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d, again Duration
		if d.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Fatalf("%q is %s, which is %s (%v)", text, d, again, err)
		}
	})
}

func TestDurationLimits(t *testing.T) {
	var d Duration
	if err := d.UnmarshalText([]byte("106752d")); err == nil {
		t.Errorf("%s overflowed into %s", "106752d", d)
	}
	if time.Duration(math.MaxInt64) < 106751*day {
		t.Error("a day is not what it was")
	}
}
