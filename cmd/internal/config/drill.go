package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Drill says how a drill is made, and whether the archiver makes one from time
// to time.
type Drill struct {
	// Every is 0 where it is not set: then only `tidemark drill` drills.
	Every Duration `yaml:"every"`
	// Sample is the share of the segments of each topic.
	Sample Share `yaml:"sample"`
	// Topics are those that are drilled; none is all that is archived of Topics.
	Topics []string `yaml:"topics"`
	// WithoutRegion is not used, to prove that the other is enough. Empty uses
	// both.
	WithoutRegion string `yaml:"without_region"`
	// TargetBrokers are those of the cluster for scratch topics; none restores to
	// nowhere. It is spoken to as kafka says.
	TargetBrokers []string `yaml:"target_brokers"`
	// Prefix begins the names of scratch topics.
	Prefix string `yaml:"prefix"`
	// MaxRate bounds what a drill beside the archiver reads in a second.
	MaxRate Size `yaml:"max_rate"`
	// RecoveryTime and RecoveryPoint are the objectives.
	RecoveryTime  Duration `yaml:"recovery_time"`
	RecoveryPoint Duration `yaml:"recovery_point"`
}

// Share is a part of a whole, above 0 and up to 1. Its text form is a
// percentage: "1%", "0.5%".
type Share float64

// UnmarshalText reads a share.
func (s *Share) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(v > 0 && v <= 100) {
		return fmt.Errorf("%q is not a share: want a percentage above 0%%, up to 100%%, such as 1%% or 0.5%%", text)
	}
	*s = Share(v / 100)
	return nil
}

// MarshalText writes a share so that UnmarshalText reads the same.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Share) String() string {
	if s == 0 {
		return "" // none
	}
	return strconv.FormatFloat(100*float64(s), 'g', -1, 64) + "%"
}
