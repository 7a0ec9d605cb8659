package config

import (
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// The limits on drills.
const (
	// minDrill is for trials, maxDrill for auditors who come once a year.
	minDrill = Duration(time.Minute)
	maxDrill = Duration(400 * 24 * time.Hour)
	// minDrillRate still reads a segment in a minute.
	minDrillRate Size = 256 << 10
	maxDrillRate Size = 1 << 40
	// maxObjective is beyond what anybody would call an objective.
	maxObjective = Duration(365 * 24 * time.Hour)
	// maxPrefix leaves most of Kafka's 249 characters to the topic's own name.
	maxPrefix = 100
)

func (c *Config) checkDrill() error {
	d := c.Drill
	if c.source.has("drill.every") {
		if err := within(c, "drill.every", d.Every, minDrill, maxDrill); err != nil {
			return err
		}
	}
	for i, t := range d.Topics {
		if err := names.CheckTopic(t); err != nil {
			return c.source.wrong(c.listKey("drill.topics", i), "%w", err)
		}
		if slices.Contains(d.Topics[:i], t) {
			return c.source.wrong(c.listKey("drill.topics", i), "%s is named twice", t)
		}
	}
	for i, b := range d.TargetBrokers {
		if err := checkAddress(b); err != nil {
			return c.source.wrong(c.listKey("drill.target_brokers", i), "%w", err)
		}
	}
	return firstOf(
		c.checkWithout(), c.checkPrefix(),
		within(c, "drill.max_rate", d.MaxRate, minDrillRate, maxDrillRate),
		within(c, "drill.recovery_time", d.RecoveryTime, Duration(time.Millisecond), maxObjective),
		within(c, "drill.recovery_point", d.RecoveryPoint, Duration(time.Millisecond), maxObjective),
	)
}

func (c *Config) checkWithout() error {
	name := c.Drill.WithoutRegion
	if name == "" || slices.ContainsFunc(c.Regions, func(r Region) bool { return r.Name == name }) {
		return nil
	}
	return c.source.wrong("drill.without_region", "%q is not the name of a region", name)
}

func (c *Config) checkPrefix() error {
	if err := names.CheckTopic(c.Drill.Prefix + "x"); err != nil || c.Drill.Prefix == "" {
		return c.source.wrong("drill.prefix", "%q does not begin the name of a topic: want 1 to %d of [a-zA-Z0-9._-]", c.Drill.Prefix, maxPrefix)
	}
	if len(c.Drill.Prefix) > maxPrefix {
		return c.source.wrong("drill.prefix", "has %d characters: want 1 to %d", len(c.Drill.Prefix), maxPrefix)
	}
	return nil
}
