package export

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/jsonline"
)

// csvHeader names the columns. ts is in ms since the epoch.
const csvHeader = "topic,partition,offset,tstype,ts,headers_as,headers,key_as,key,payload_as,payload\r\n"

// How a cell is to be read; see the package comment.
const (
	asNull    = "null"
	asText    = "text"
	asBase64  = "base64"
	asGuarded = "guarded"
)

// formulas are the characters that make a spreadsheet run a cell: those that
// OWASP's page on CSV injection names. (The carriage return is a control
// character, and so in base64.)
const formulas = "=+-@\t\n＝＋－＠"

// csvLines makes lines of RFC 4180: they end in CRLF, and a cell is quoted where
// it has to be.
type csvLines struct {
	front   string // what every line begins with
	scratch []byte
}

func newCSV(topic string, partition int32) *csvLines {
	return &csvLines{front: topic + "," + strconv.Itoa(int(partition)) + ","}
}

func (c *csvLines) line(b []byte, rec recordbatch.Record, t jsonline.TimestampType) []byte {
	b = append(b, c.front...) // a topic's name needs no quotes
	b = append(strconv.AppendInt(b, rec.Offset, 10), ',')
	b = append(append(b, t...), ',')
	b = append(strconv.AppendInt(b, rec.Timestamp, 10), ',')
	b = append(c.headers(b, rec.Headers), ',')
	b = append(c.value(b, rec.Key), ',')
	return append(c.value(b, rec.Value), "\r\n"...)
}

func (c *csvLines) headers(b []byte, hs []recordbatch.RecordHeader) []byte {
	if len(hs) == 0 {
		return append(append(b, asNull...), ',')
	}
	as := asText
	if !jsonline.ValidHeaders(hs) {
		as = asBase64
	}
	c.scratch = jsonline.AppendHeaders(c.scratch[:0], hs)
	return appendCell(append(append(b, as...), ','), c.scratch)
}

// value appends two cells: how to read the value, and the value.
func (c *csvLines) value(b, value []byte) []byte {
	as := cellType(value)
	b = append(append(b, as...), ',')
	switch as {
	case asText:
		return appendCell(b, value)
	case asGuarded:
		c.scratch = append(append(c.scratch[:0], '\''), value...)
		return appendCell(b, c.scratch)
	case asBase64:
		return base64.StdEncoding.AppendEncode(b, value)
	}
	return b
}

func cellType(value []byte) string {
	switch {
	case value == nil:
		return asNull
	case !utf8.Valid(value) || hasControl(value):
		return asBase64
	case isFormula(value):
		return asGuarded
	}
	return asText
}

// hasControl tells whether text holds what readers of CSV change or refuse: a
// carriage return becomes a line feed for some, and some refuse NUL.
func hasControl(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\t' && c != '\n' {
			return true
		}
	}
	return false
}

func isFormula(text []byte) bool {
	r, _ := utf8.DecodeRune(text)
	return len(text) > 0 && strings.ContainsRune(formulas, r)
}

// appendCell quotes what holds a comma, a quote or a line feed, and what begins
// or ends with white space, which some readers trim.
func appendCell(b, text []byte) []byte {
	if !needsQuotes(text) {
		return append(b, text...)
	}
	b = append(b, '"')
	for _, c := range text {
		if c == '"' {
			b = append(b, '"')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

func needsQuotes(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	for _, c := range text {
		if c == ',' || c == '"' || c == '\n' {
			return true
		}
	}
	return isBlank(text[0]) || isBlank(text[len(text)-1])
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
