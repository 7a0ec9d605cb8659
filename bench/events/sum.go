package events

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Sum is a fingerprint of key, value, headers and timestamp of a record, null
// told from empty: 128 bits of XXH3. It finds accidents, not forgers.
type Sum [2]uint64

// Summer makes sums, in a buffer of its own. It is not safe for concurrent use.
type Summer struct{ buf []byte }

// Sum is the fingerprint of a record. Its offset does not count.
func (s *Summer) Sum(r recordbatch.Record) Sum {
	b := binary.LittleEndian.AppendUint64(s.buf[:0], uint64(r.Timestamp))
	b = appendNullable(b, r.Key)
	b = appendNullable(b, r.Value)
	for _, h := range r.Headers {
		b = appendNullable(b, h.Key)
		b = appendNullable(b, h.Value)
	}
	s.buf = b
	u := xxh3.Hash128(b)
	return Sum{u.Hi, u.Lo}
}

// appendNullable puts the length in front, plus one: 0 is null. So no two
// different records are the same bytes.
func appendNullable(b, v []byte) []byte {
	if v == nil {
		return binary.AppendUvarint(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(v))+1)
	return append(b, v...)
}
