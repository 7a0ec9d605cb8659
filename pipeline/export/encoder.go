package export

import (
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/jsonline"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// encoder writes the batches of one partition into one file, in order.
type encoder interface {
	// batch takes a batch; it may hold it back.
	batch(b restore.Batch) error
	// held is how many bytes it holds back, before they are compressed.
	held() int
	// close writes what is held back, and what ends a file.
	close() error
}

// suffix is what the names of a format's files end in.
func (f Format) suffix() string { return "." + string(f) }

// newEncoder makes the encoder of one file. first is true unless something of
// the same format was written to w before.
func newEncoder(f Format, into string, partition int32, w io.Writer, first bool, d *recordbatch.Decoder) (encoder, error) {
	switch f {
	case JSONLines:
		return newText(w, d, jsonLines{jsonline.NewAppender(into, partition)}), nil
	case CSV:
		t := newText(w, d, newCSV(into, partition))
		if first {
			t.buf = append(t.buf, csvHeader...)
		}
		return t, nil
	case Parquet:
		return newParquet(into, partition, w, d), nil
	case Log:
		return &logFile{w: w}, nil
	}
	return nil, fmt.Errorf("format %q is not known", f)
}

// text is an encoder of formats that are a line a record.
type text struct {
	w       io.Writer
	decoder *recordbatch.Decoder
	lines   liner
	buf     []byte
}

// liner makes a line of a record.
type liner interface {
	line(b []byte, rec recordbatch.Record, t jsonline.TimestampType) []byte
}

func newText(w io.Writer, d *recordbatch.Decoder, l liner) *text {
	return &text{w: w, decoder: d, lines: l, buf: make([]byte, 0, bufferBytes)}
}

func (t *text) batch(b restore.Batch) error {
	kind, err := timestampType(b)
	if err != nil {
		return err
	}
	for rec, err := range t.decoder.Records(b.Bytes) {
		if err != nil {
			return err
		}
		t.buf = t.lines.line(t.buf, rec, kind)
		if len(t.buf) >= bufferBytes {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *text) flush() error {
	_, err := t.w.Write(t.buf)
	t.buf = t.buf[:0]
	return err
}

func (t *text) held() int { return len(t.buf) }

func (t *text) close() error { return t.flush() }

// timestampType tells whose time the records of a batch have.
func timestampType(b restore.Batch) (jsonline.TimestampType, error) {
	h, err := recordbatch.ParseHeader(b.Bytes)
	if err != nil {
		return "", err
	}
	return jsonline.TypeOf(h.LogAppendTime()), nil
}

type jsonLines struct{ *jsonline.Appender }

func (j jsonLines) line(b []byte, rec recordbatch.Record, t jsonline.TimestampType) []byte {
	return j.Append(b, rec, t)
}
