package export

import (
	"context"
	"fmt"
	"math"
	"path"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// lane writes the files of one partition. One goroutine owns it.
type lane struct {
	*execution
	place   place
	part    Partition
	decoder *recordbatch.Decoder

	// The file at hand; file is nil between two.
	file    *unfinished
	encoder encoder
	entry   File
	base    int64 // of the offsets in it
}

// run returns nil when all files of the partition are finished and noted.
func (l *lane) run(ctx context.Context) error {
	if l.folder.done[l.place] {
		return nil
	}
	if err := l.write(ctx); err != nil {
		l.drop()
		return fmt.Errorf("topic %s partition %d: %w", l.part.From, l.part.Number, l.explain(err))
	}
	if err := l.folder.journal.add(note{Into: l.place.topic, Number: l.place.number, Done: true}); err != nil {
		return fmt.Errorf("note that topic %s partition %d is done: %w", l.part.From, l.part.Number, l.explain(err))
	}
	return nil
}

func (l *lane) write(ctx context.Context) error {
	from := int64(0)
	if l.part.Records > 0 {
		from = l.part.LastOffset + 1 // in files of earlier runs
	}
	for b, err := range l.folder.plan.Archived(ctx, l.source, l.part.From, l.part.Number, from) {
		if err != nil {
			return err
		}
		if err := l.batch(ctx, b); err != nil {
			return err
		}
	}
	return l.finish()
}

// batch writes a batch into the file at hand, or the next one.
func (l *lane) batch(ctx context.Context, b restore.Batch) error {
	h, err := recordbatch.ParseHeader(b.Bytes)
	if err != nil {
		return err
	}
	if l.file != nil && l.full(h) {
		if err := l.finish(); err != nil {
			return err
		}
	}
	if l.file == nil {
		if err := l.begin(ctx, b, h); err != nil {
			return err
		}
	}
	before := l.file.size
	if err := l.encoder.batch(b); err != nil {
		return err
	}
	l.entry.Records += int64(b.Count)
	l.entry.LastOffset = b.Last
	l.wrote(int64(b.Count), l.file.size-before)
	return nil
}

// full tells whether a batch belongs into the next file. A log has one more
// reason: its index holds offsets as 32 bits above the first.
func (l *lane) full(h recordbatch.Header) bool {
	size := l.file.size + int64(l.encoder.held())
	if l.options.Format == Log {
		return size+int64(h.Size()) > l.options.FileBytes || h.LastOffset()-l.base > math.MaxInt32
	}
	return size >= l.options.FileBytes
}

func (l *lane) begin(ctx context.Context, b restore.Batch, h recordbatch.Header) (err error) {
	l.base = b.First
	if l.options.Format == Log {
		l.base = h.BaseOffset // of a compacted batch it is below the first record's
	}
	name := path.Join(l.place.folder(), fmt.Sprintf("%020d%s", l.base, l.options.Format.suffix()))
	l.entry = File{Name: name, FirstOffset: b.First}
	if l.file, err = l.folder.begin(ctx, name, l.limiter); err != nil {
		return err
	}
	l.encoder, err = newEncoder(l.options.Format, l.place.topic, l.place.number, l.file, true, l.decoder)
	return err
}

// finish closes the file at hand, gives it its name, and notes it.
func (l *lane) finish() error {
	if l.file == nil {
		return nil
	}
	before := l.file.size
	if err := l.encoder.close(); err != nil {
		return err
	}
	l.wrote(0, l.file.size-before)
	if err := l.file.finish(); err != nil {
		return err
	}
	l.entry.Bytes, l.entry.SHA256 = l.file.size, names.Digest(l.file.sum.Sum(nil))
	l.file = nil
	entry := l.entry
	if err := l.folder.journal.add(note{Into: l.place.topic, Number: l.place.number, File: &entry}); err != nil {
		return err
	}
	l.part.keep(entry)
	return nil
}

// drop throws the file at hand away.
func (l *lane) drop() {
	if l.file != nil {
		l.file.drop()
		l.file = nil
	}
}
