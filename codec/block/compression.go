package block

import "fmt"

// Compression is how tidemark compressed a body. What producers compressed is
// inside the batches and does not show here.
type Compression uint8

// The numbers are those of the format.
const (
	None Compression = iota
	Zstd             // RFC 8878
	S2               // the block format of klauspost/compress/s2
)

var compressionNames = [...]string{"none", "zstd", "s2"}

// String gives the name that configurations use.
func (c Compression) String() string {
	if !c.Known() {
		return fmt.Sprintf("compression(%d)", uint8(c))
	}
	return compressionNames[c]
}

// Known reports whether this version can undo the compression.
func (c Compression) Known() bool { return int(c) < len(compressionNames) }

// ParseCompression reads what String wrote.
func ParseCompression(s string) (Compression, error) {
	for i, name := range compressionNames {
		if s == name {
			return Compression(i), nil
		}
	}
	return None, fmt.Errorf("compression %q is unknown: want none, zstd or s2", s)
}

// MarshalText writes what String writes.
func (c Compression) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is ParseCompression for configurations and JSON.
func (c *Compression) UnmarshalText(b []byte) error {
	p, err := ParseCompression(string(b))
	if err == nil {
		*c = p
	}
	return err
}
