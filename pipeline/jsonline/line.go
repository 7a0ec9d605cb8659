// Package jsonline writes records as JSON lines (RFC 8259, one value a line),
// with the field names of kcat -J:
//
//	{"topic":"orders","partition":0,"offset":7,"tstype":"create","ts":1700000000000,
//	 "headers":["event-type","OrderPaid"],"key":"4711","payload":"{…}"}
//
// A null key or value is null and an empty one is "". What is not UTF-8 cannot
// stand in JSON: the field is null then, and its twin key_base64 or
// payload_base64 holds the bytes in base64 (RFC 4648, section 4). Headers are
// names and values in turn; if one of them is not UTF-8 all are in
// headers_base64 instead, and a record without headers has neither. So every
// record comes back from its line, byte for byte.
//
// [Line] is the form that encoding/json reads and writes; [Appender] writes the
// same bytes in a tenth of the time.
package jsonline

import (
	"unicode/utf8"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// TimestampType tells whose clock a timestamp is of, in kcat's words.
type TimestampType string

// The types of a timestamp.
const (
	CreateTime    TimestampType = "create"    // the producer's
	LogAppendTime TimestampType = "logappend" // the broker's
)

// Line is a record in the form of kcat -J.
type Line struct {
	Topic         string        `json:"topic"`
	Partition     int32         `json:"partition"`
	Offset        int64         `json:"offset"`
	TimestampType TimestampType `json:"tstype"`
	Timestamp     int64         `json:"ts"` // ms since the epoch
	Headers       []*string     `json:"headers,omitempty"`
	HeadersBase64 [][]byte      `json:"headers_base64,omitempty"`
	Key           *string       `json:"key"`
	KeyBase64     []byte        `json:"key_base64,omitempty"`
	Payload       *string       `json:"payload"`
	PayloadBase64 []byte        `json:"payload_base64,omitempty"`
}

// TypeOf tells whose clock the timestamps of a batch are of, by whether its
// header says LogAppendTime.
func TypeOf(logAppendTime bool) TimestampType {
	if logAppendTime {
		return LogAppendTime
	}
	return CreateTime
}

// Of returns the line of a record.
func Of(topic string, partition int32, rec recordbatch.Record, t TimestampType) Line {
	l := Line{Topic: topic, Partition: partition, Offset: rec.Offset, TimestampType: t, Timestamp: rec.Timestamp}
	l.Key, l.KeyBase64 = TextOrBytes(rec.Key)
	l.Payload, l.PayloadBase64 = TextOrBytes(rec.Value)
	l.Headers, l.HeadersBase64 = headersOf(rec.Headers)
	return l
}

// TextOrBytes returns b as text if it is UTF-8, and both nil if it is null.
func TextOrBytes(b []byte) (text *string, raw []byte) {
	if b == nil {
		return nil, nil
	}
	if !utf8.Valid(b) {
		return nil, b
	}
	s := string(b)
	return &s, nil
}

// headersOf returns keys and values in turn, all as text or all in base64.
func headersOf(hs []recordbatch.RecordHeader) (text []*string, raw [][]byte) {
	for _, h := range hs {
		raw = append(raw, h.Key, h.Value)
	}
	if !ValidHeaders(hs) {
		return nil, raw
	}
	for _, b := range raw {
		s, _ := TextOrBytes(b)
		text = append(text, s)
	}
	return text, nil
}

// ValidHeaders tells whether all keys and values are UTF-8.
func ValidHeaders(hs []recordbatch.RecordHeader) bool {
	for _, h := range hs {
		if !utf8.Valid(h.Key) || !utf8.Valid(h.Value) {
			return false
		}
	}
	return true
}
