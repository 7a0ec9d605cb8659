package recordbatch

import "fmt"

// Codec is how the records of a batch are compressed, with the numbers of the
// batch attributes.
type Codec int8

// The codecs of Kafka 2.1 (KIP-110) and later.
const (
	CodecNone Codec = iota
	CodecGzip
	CodecSnappy
	CodecLZ4
	CodecZstd
)

var codecNames = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

// String gives the name that Kafka's compression.type uses.
func (c Codec) String() string {
	if !c.known() {
		return fmt.Sprintf("codec(%d)", int8(c))
	}
	return codecNames[c]
}

func (c Codec) known() bool { return c >= 0 && int(c) < len(codecNames) }
