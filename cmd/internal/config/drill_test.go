package config

import (
	"strings"
	"testing"
	"time"
)

func TestShare(t *testing.T) {
	for text, want := range map[string]Share{"1%": 0.01, "0.5%": 0.005, "100%": 1, "12.5 %": 0.125} {
		var s Share
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: %v, %v", text, s, err)
		}
		again := Share(0)
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%s prints as %s", text, s)
		}
	}
	for _, text := range []string{"", "1", "0%", "-1%", "101%", "NaN%", "Inf%", "half", "%"} {
		var s Share
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

func TestDrillSection(t *testing.T) {
	c := mustLoad(t, small)
	if d := c.Drill; d.Every != 0 || d.RecoveryTime.Std() != 15*time.Second || d.RecoveryPoint.Std() != time.Minute {
		t.Errorf("defaults %+v", d)
	}
	c = mustLoad(t, small+"drill: {every: 1d, sample: 5%, topics: [orders], without_region: a, target_brokers: ['k:9092']}\n")
	if d := c.Drill; d.Every != Duration(day) || d.Sample != 0.05 || d.WithoutRegion != "a" || len(d.TargetBrokers) != 1 {
		t.Errorf("%+v", d)
	}
	if c := mustLoad(t, small, "TIDEMARK_DRILL_EVERY=7d"); c.Drill.Every != Duration(7*day) {
		t.Errorf("from the environment: %+v", c.Drill)
	}
	for text, want := range map[string]string{
		"every: 0s":              "drill.every: must be above 0",
		"every: 1s":              "drill.every: 1s is below 1m0s",
		"sample: 0.5":            `drill.sample: is a number`,
		"sample: 200%":           `drill.sample: "200%" is not a share`,
		"topics: [../x]":         "drill.topics[0]: topic name",
		"topics: [a, a]":         "drill.topics[1]: a is named twice",
		"without_region: c":      `drill.without_region: "c" is not the name of a region`,
		"prefix: ''":             "drill.prefix: ",
		"prefix: a/b":            "drill.prefix: ",
		"max_rate: 1KiB":         "drill.max_rate: 1KiB is below",
		"recovery_time: 0s":      "drill.recovery_time: must be above 0",
		"target_brokers: [here]": `drill.target_brokers[0]: "here" is not an address`,
	} {
		if _, err := load(t, small+"drill: {"+text+"}\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
