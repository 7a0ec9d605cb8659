package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/jsonline"
)

// catAhead is how many batches are read before they are printed.
const catAhead = 16

// page is a batch on its way to standard output.
type page struct {
	piece cover.Piece
	// done is closed when text or err is set.
	done chan struct{}
	text *[]byte
	err  error
}

// begin queues a page for the writer and, if there is something to make text of,
// for the workers; false when the context ends before.
func (pg *page) begin(ctx context.Context, pages, work chan<- *page) bool {
	if pg.err != nil {
		close(pg.done)
	} else {
		work <- pg // has as much room as pages
	}
	select {
	case pages <- pg:
		return true
	case <-ctx.Done():
		return false
	}
}

// printer makes JSON lines of the batches of one partition.
type printer struct {
	partition names.Partition
	lines     *jsonline.Appender
	to        int64 // ms
	bounded   bool
	texts     sync.Pool
}

func newPrinter(p names.Partition, to time.Time) *printer {
	return &printer{partition: p, lines: jsonline.NewAppender(p.Topic, p.Number), bounded: !to.IsZero(), to: to.UnixMilli()}
}

// skip leaves out blocks that lie wholly after the moment; nil without one.
func (pr *printer) skip() func(segment.BlockInfo) bool {
	if !pr.bounded {
		return nil
	}
	return func(b segment.BlockInfo) bool { return b.MinTimestamp != segment.NoTimestamp && b.MinTimestamp > pr.to }
}

func (pr *printer) work(pages <-chan *page) {
	d := recordbatch.NewDecoder(0)
	for pg := range pages {
		text, _ := pr.texts.Get().(*[]byte)
		if text == nil {
			text = new([]byte)
		}
		pg.text = text
		*text, pg.err = pr.print((*text)[:0], pg.piece, d)
		close(pg.done)
	}
}

// print appends the lines of a batch.
func (pr *printer) print(b []byte, piece cover.Piece, d *recordbatch.Decoder) ([]byte, error) {
	if piece.IsControl() {
		return b, nil
	}
	kind := jsonline.TypeOf(piece.Header().LogAppendTime())
	for rec, err := range piece.Records(d) {
		if err != nil {
			return b, fmt.Errorf("read %s at offset %d: %w", pr.partition, piece.Base(), err)
		}
		if pr.bounded && rec.Timestamp > pr.to {
			continue
		}
		b = pr.lines.Append(b, rec, kind)
	}
	return b, nil
}
