package config

import (
	"regexp"
	"time"
)

// The limits on how often a mark is written: below, requests to the brokers
// outweigh what is learnt; above, a mark would be older than readers look back.
const (
	minMarks = Duration(time.Second)
	maxMarks = Duration(time.Hour)
)

func (c *Config) checkMarks() error {
	if err := within(c, "marks.every", c.Marks.Every, minMarks, maxMarks); err != nil {
		return err
	}
	for i, g := range c.Marks.Groups {
		key := element("marks.groups", i)
		if (g.Name == "") == (g.Pattern == "") {
			return c.source.wrong(key, "want either name or pattern")
		}
		if _, err := regexp.Compile("^(?:" + g.Pattern + ")$"); err != nil {
			return c.source.wrong(key+".pattern", "%w", err)
		}
	}
	return nil
}
