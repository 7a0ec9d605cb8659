package export

import (
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// logFile writes batches one after the other, as a broker's log has them.
type logFile struct {
	w   io.Writer
	buf []byte
}

func (l *logFile) batch(b restore.Batch) error {
	h, err := recordbatch.ParseHeader(b.Bytes)
	if err != nil {
		return err
	}
	at := len(l.buf)
	l.buf = append(l.buf, b.Bytes...)
	if h.IsTransactional() && !recordbatch.SetCommitted(l.buf[at:]) {
		return fmt.Errorf("write the batch at offset %d without its transaction: it is not one whole batch of data", b.First)
	}
	if len(l.buf) < bufferBytes {
		return nil
	}
	return l.close()
}

func (l *logFile) held() int { return len(l.buf) }

func (l *logFile) close() error {
	_, err := l.w.Write(l.buf)
	l.buf = l.buf[:0]
	return err
}
