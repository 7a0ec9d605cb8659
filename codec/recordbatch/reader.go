package recordbatch

import (
	"encoding/binary"
	"math"
)

// reader takes fields off bytes. After the first broken rule it has no bytes
// and gives zeros, so that callers check once at the end.
type reader struct {
	b    []byte
	rule string // the first one broken
}

func (r *reader) fail(rule string) {
	if r.rule == "" {
		r.rule = rule
	}
	r.b = nil
}

func (r *reader) int8() int8 {
	if len(r.b) == 0 {
		r.fail(ruleShort)
		return 0
	}
	v := int8(r.b[0])
	r.b = r.b[1:]
	return v
}

// varint64 reads a zigzag number of at most ten bytes.
func (r *reader) varint64() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail(ruleVarint)
		return 0
	}
	r.b = r.b[n:]
	return v
}

// varint32 reads a zigzag number of at most five bytes, Kafka's limit for
// lengths and counts.
func (r *reader) varint32() int32 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := int32(r.b[0]>>1) ^ -int32(r.b[0]&1)
		r.b = r.b[1:]
		return v
	}
	v, n := binary.Varint(r.b)
	if n <= 0 || n > binary.MaxVarintLen32 || v < math.MinInt32 || v > math.MaxInt32 {
		r.fail(ruleVarint)
		return 0
	}
	r.b = r.b[n:]
	return int32(v)
}

// bytes reads a length and so many bytes; nil for the length -1.
func (r *reader) bytes() []byte {
	n := int(r.varint32())
	if n < 0 {
		if n < -1 {
			r.fail(ruleNegative)
		}
		return nil
	}
	if n > len(r.b) || r.b == nil {
		r.fail(ruleShort)
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// record takes the bytes of one record off, leaving r behind them.
func (r *reader) record() reader {
	if len(r.b) == 0 {
		r.fail(ruleCountHigh)
		return reader{}
	}
	n := int(r.varint32())
	if n < 0 {
		r.fail(ruleNegative)
		return reader{}
	}
	if n > len(r.b) {
		r.fail(ruleShort)
		return reader{}
	}
	v := reader{b: r.b[:n:n]}
	r.b = r.b[n:]
	return v
}
