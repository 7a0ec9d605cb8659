package recordbatch

// Record is one record of a batch. A nil Key or Value is null, an empty one is
// empty.
type Record struct {
	Offset     int64
	Timestamp  int64 // ms since the epoch, any value; the broker's time in a LogAppendTime batch
	Key, Value []byte
	Headers    []RecordHeader // in order; keys may repeat; nil when there are none
	Attributes int8           // unused by Kafka so far
}

// RecordHeader is one header of a record. The key is bytes, for Kafka does not
// check that it is UTF-8; it is never null.
type RecordHeader struct {
	Key   []byte
	Value []byte // nil is null
}

// RecordKey is what [Decoder.Keys] gives of a record.
type RecordKey struct {
	Offset int64
	Key    []byte // nil is null
}

// RecordPair is what [Decoder.Pairs] gives of a record.
type RecordPair struct {
	Offset     int64
	Key, Value []byte // nil is null
}

// The rules of a record, as reported in [FormatError].
const (
	ruleVarint       = "a number is cut short or too long"
	ruleNegative     = "a length is below -1"
	ruleNullKey      = "a header key is null"
	ruleShort        = "a length runs past the end"
	ruleTrailing     = "bytes are left over in the record"
	ruleOffsetRange  = "its offset delta is outside the batch"
	ruleOffsetOrder  = "its offset is not above the one before"
	ruleHeaderCount  = "its header count does not fit its bytes"
	ruleTooLarge     = "its headers need more memory than the decoder may use"
	ruleCountHigh    = "the count promises more records than there are"
	ruleBatchTrailer = "bytes are left over after the last record"
)

// headerTable collects the headers of one record.
type headerTable struct {
	rows []RecordHeader
	max  int // rows that the decoder's limit allows
}

// readRecord reads all fields but the offset, which it returns as a delta.
func readRecord(r *reader, h *Header, rec *Record, table *headerTable) (delta int32) {
	rec.Attributes = r.int8()
	rec.Timestamp = h.BaseTimestamp + r.varint64() // wraps around as Java's does: any two times have a delta
	if h.LogAppendTime() {
		rec.Timestamp = h.MaxTimestamp
	}
	delta = r.varint32()
	rec.Key = r.bytes()
	rec.Value = r.bytes()
	readHeaders(r, table)
	rec.Headers = nil
	if len(table.rows) > 0 {
		rec.Headers = table.rows
	}
	if len(r.b) > 0 {
		r.fail(ruleTrailing)
	}
	return delta
}

func readHeaders(r *reader, table *headerTable) {
	n := int(r.varint32())
	if n < 0 || n > len(r.b)/minRecordHeader {
		r.fail(ruleHeaderCount)
	}
	if n > table.max {
		r.fail(ruleTooLarge)
	}
	for ; n > 0 && r.rule == ""; n-- {
		key := r.bytes()
		if key == nil {
			r.fail(ruleNullKey)
		}
		table.rows = append(table.rows, RecordHeader{Key: key, Value: r.bytes()})
	}
}

// readKey reads as far as the key.
func readKey(r *reader) (delta int32, key []byte) {
	r.int8()
	r.varint64()
	delta = r.varint32()
	return delta, r.bytes()
}
