package config

// checkRollUp refuses a roll-up that would not outlive what it is made from.
func (c *Config) checkRollUp() error {
	r := c.RollUp
	if err := firstOf(
		within(c, "rollup.window", r.Window, minWindow, maxWindow),
		within(c, "rollup.after", r.After, minWindow, maxAfter),
		within(c, "rollup.size", r.Size, minRollUp, maxRollUp),
		within(c, "rollup.retain", r.Retain, minRetention, maxRetention),
	); err != nil {
		return err
	}
	if r.Retain <= c.Retention.For {
		return c.source.wrong("rollup.retain", "%s is not above retention.for, %s: small segments are locked briefly, roll-ups for long", r.Retain, c.Retention.For)
	}
	return nil
}
