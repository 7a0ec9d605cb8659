package events

import "github.com/tidemark-io/tidemark/codec/recordbatch"

var (
	traceparent   = []byte("traceparent")
	eventType     = []byte("event-type")
	schemaVersion = []byte("schema-version")
	version2      = []byte("2")
	version3      = []byte("3")
	empty         = []byte{}
)

// makeHeaders gives a record its headers: traceparent (W3C Trace Context),
// event-type, schema-version. One record in 64 repeats a header with another
// value, one in 64 has a null, one in 128 an empty value, one in 128 no header
// at all.
func (g *Generator) makeHeaders(s *step) []recordbatch.RecordHeader {
	r := g.rng.Uint64()
	h := g.headers[:0]
	if r&127 == 0 {
		return nil
	}
	g.trace = g.appendTrace(g.trace[:0], s, r)
	g.trace = append(g.trace, g.followed...)
	of := len(g.trace) - len(g.followed)
	h = append(h,
		recordbatch.RecordHeader{Key: traceparent, Value: g.trace[:of:of]},
		recordbatch.RecordHeader{Key: eventType, Value: g.trace[of:]},
		recordbatch.RecordHeader{Key: schemaVersion, Value: version3})
	switch r >> 7 & 127 {
	case 0, 1:
		h = append(h, recordbatch.RecordHeader{Key: schemaVersion, Value: version2})
	case 2, 3:
		h[2].Value = nil
	case 4:
		h[2].Value = empty
	}
	g.headers = h
	return h
}

// appendTrace writes a traceparent. All records of an order belong to one trace.
func (g *Generator) appendTrace(b []byte, s *step, span uint64) []byte {
	b = append(b, "00-"...)
	b = appendDigits(b, mix(s.order.seed+1<<42))
	b = appendDigits(b, mix(s.order.seed+1<<43))
	b = append(b, '-')
	b = appendDigits(b, span|1)
	return append(b, "-01"...)
}
