package jsonline

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Appender writes the lines of one partition. It may be used by several
// goroutines at once.
type Appender struct {
	front []byte // what every line begins with
}

// NewAppender makes the appender of a partition.
func NewAppender(topic string, partition int32) *Appender {
	front := appendText([]byte(`{"topic":`), []byte(topic))
	front = append(front, `,"partition":`...)
	front = strconv.AppendInt(front, int64(partition), 10)
	return &Appender{append(front, `,"offset":`...)}
}

// Append appends a record as encoding/json would write its [Line] with HTML
// left alone, and a line feed.
func (a *Appender) Append(b []byte, rec recordbatch.Record, t TimestampType) []byte {
	b = append(b, a.front...)
	b = strconv.AppendInt(b, rec.Offset, 10)
	b = append(append(append(b, `,"tstype":"`...), t...), `","ts":`...)
	b = strconv.AppendInt(b, rec.Timestamp, 10)
	b = appendHeaderField(b, rec.Headers)
	b = appendField(b, "key", rec.Key)
	b = appendField(b, "payload", rec.Value)
	return append(b, "}\n"...)
}

// AppendHeaders appends keys and values in turn as a JSON array: as text if all
// of them are UTF-8, else all in base64. A null value is null.
func AppendHeaders(b []byte, hs []recordbatch.RecordHeader) []byte {
	put := appendText
	if !ValidHeaders(hs) {
		put = appendBase64
	}
	b = append(b, '[')
	for i, h := range hs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(orNull(b, h.Key, put), ',')
		b = orNull(b, h.Value, put)
	}
	return append(b, ']')
}

// appendField appends a field that is null, text, or null with its base64
// beside it.
func appendField(b []byte, name string, value []byte) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	if value == nil {
		return append(b, "null"...)
	}
	if utf8.Valid(value) {
		return appendText(b, value)
	}
	b = append(append(append(b, `null,"`...), name...), `_base64":`...)
	return appendBase64(b, value)
}

func appendHeaderField(b []byte, hs []recordbatch.RecordHeader) []byte {
	if len(hs) == 0 {
		return b
	}
	name := `,"headers":`
	if !ValidHeaders(hs) {
		name = `,"headers_base64":`
	}
	return AppendHeaders(append(b, name...), hs)
}

func orNull(b, value []byte, put func(b, value []byte) []byte) []byte {
	if value == nil {
		return append(b, "null"...)
	}
	return put(b, value)
}

func appendBase64(b, value []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, value)
	return append(b, '"')
}
