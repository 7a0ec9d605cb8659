package names

// The identifiers are readable in JSON, and as flags and keys of maps: in their
// text form, of which there is one for each value.

// MarshalText implements encoding.TextMarshaler.
func (id ArchiveID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes 32 lower-case hex digits.
func (id *ArchiveID) UnmarshalText(b []byte) error { return parseHex("archive id", b, id[:]) }

// MarshalText implements encoding.TextMarshaler.
func (id TopicID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes 22 characters of URL-safe base64.
func (id *TopicID) UnmarshalText(b []byte) error {
	p, err := ParseTopicID(string(b))
	if err == nil {
		*id = p
	}
	return err
}

// MarshalText implements encoding.TextMarshaler.
func (id PageID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes 32 lower-case hex digits.
func (id *PageID) UnmarshalText(b []byte) error { return parseHex("key page id", b, id[:]) }

// MarshalText implements encoding.TextMarshaler.
func (id KEKID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes 32 lower-case hex digits.
func (id *KEKID) UnmarshalText(b []byte) error { return parseHex("KEK id", b, id[:]) }

// MarshalText implements encoding.TextMarshaler.
func (id SignerID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes 16 lower-case hex digits.
func (id *SignerID) UnmarshalText(b []byte) error { return parseHex("signer id", b, id[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes 64 lower-case hex digits.
func (d *Digest) UnmarshalText(b []byte) error { return parseHex("digest", b, d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (l Lineage) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes what Lineage.String writes.
func (l *Lineage) UnmarshalText(b []byte) error {
	p, err := ParseLineage(string(b))
	if err == nil {
		*l = p
	}
	return err
}
