package config

// NeedKafka returns an *Error unless there is a cluster to speak to. A verb
// that needs one asks before it does anything.
func (c *Config) NeedKafka() error {
	if len(c.Kafka.Brokers) == 0 {
		return c.source.wrong("kafka.brokers", "is not set")
	}
	return nil
}

// NeedTopics returns an *Error unless there is a topic to archive.
func (c *Config) NeedTopics() error {
	if len(c.Topics) == 0 {
		return c.source.wrong("topics", "is not set: name at least one topic or pattern")
	}
	return nil
}

// NeedSigningKey returns an *Error unless a signing key is named.
func (c *Config) NeedSigningKey() error {
	if c.Archive.SigningKeyFile == "" {
		return c.source.wrong("archive.signing_key_file", "is empty")
	}
	return nil
}
