package index

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Ends keeps the ends of segments on the local disk: the sealed filters, the
// footer and the trailer, byte for byte, so that who looks for a key asks the
// regions for blocks only.
//
// They are not in Badger. Badger belongs to one process, and a search runs
// beside an archiver; Badger would write bytes that neither compress nor change
// some ten times over; and what is deleted there is given back to the disk some
// other day. So they lie in plain files that only grow, with any number of
// readers and writers, and the space is bounded by removing files:
//
//	archive                                       the id of the archive
//	<topic>/<lineage>/<partition>/<number>.ends   records, one after the other
//
// A writer locks the file for one record; readers lock nothing. What does not
// match its checksum was never written. An Ends is safe for concurrent use.
type Ends struct {
	path  string
	opts  EndsOptions
	limit int64

	mu      sync.Mutex
	written int64            // since the last trim
	rotate  int64            // from this length on a file is left alone
	sound   map[string]int64 // files whose records were walked up to their length
	open    map[names.Partition]*shelf
}

// EndsOptions are the choices of an Ends.
type EndsOptions struct {
	// MaxSize bounds the files in bytes. From time to time, the oldest are
	// removed; the sum stays below it.
	MaxSize int64
	// Logger hears of what goes wrong; nil is silence.
	Logger *slog.Logger
	// Free is as in Options.
	Free func(dir string) (int64, error)
}

// OpenEnds opens the ends of an archive in a directory, which it makes if need
// be. Another archive's is ErrOtherArchive, other files are ErrForeign.
func OpenEnds(path string, archive names.ArchiveID, o EndsOptions) (*Ends, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Free == nil {
		o.Free = freeSpace
	}
	e := &Ends{path: path, opts: o, sound: map[string]int64{}, open: map[names.Partition]*shelf{}}
	e.limit, e.rotate = o.MaxSize-o.MaxSize/trimShare, minEndsFile
	e.written = o.MaxSize // so that the first write trims: others wrote before
	if err := e.claim(archive); err != nil {
		return nil, fmt.Errorf("open index %s: %w", path, err)
	}
	return e, nil
}

// claim notes whose the directory is. It may be read-only, once it is ours.
func (e *Ends) claim(archive names.ArchiveID) error {
	if err := os.MkdirAll(e.path, 0o700); err != nil {
		return err
	}
	if err := checkOwner(e.path, archive); err != nil {
		return err
	}
	d := dir{path: e.path}
	if _, err := os.Stat(d.file(archiveFile)); err == nil {
		return nil
	}
	return d.write(archiveFile, []byte(archive.String()+"\n"))
}

// Segments yields the segments of a partition whose ends are kept, and their
// sizes, in no order. It looks at the files anew.
func (e *Ends) Segments(p names.Partition) iter.Seq2[names.Range, int64] {
	s := readShelf(e.folder(p), p)
	e.mu.Lock()
	e.open[p] = s
	e.mu.Unlock()
	return func(yield func(names.Range, int64) bool) {
		for name, at := range s.places {
			if !yield(name, at.size) {
				return
			}
		}
	}
}

// End returns the end of a segment, as it was kept, and the size of the whole
// object in bytes; nil if there is none. It knows what was there when Segments
// was called last for the partition, or End for the first time.
func (e *Ends) End(name names.Range) ([]byte, int64) {
	e.mu.Lock()
	s := e.open[name.Partition]
	if s == nil {
		s = readShelf(e.folder(name.Partition), name.Partition)
		e.open[name.Partition] = s
	}
	at, ok := s.places[name]
	e.mu.Unlock()
	if !ok {
		return nil, 0
	}
	end, err := at.read()
	if err != nil {
		e.opts.Logger.Debug("index: end of a segment", "object", name.String(), "error", err)
		return nil, 0
	}
	return end, at.size
}

// Keep writes the end of a segment; it does not hold on to it. What cannot be
// written is not kept: an index is never a reason to fail.
func (e *Ends) Keep(name names.Range, end []byte, size int64) {
	if err := e.keep(name, end, size); err != nil {
		e.opts.Logger.Debug("index: keep end of a segment", "object", name.String(), "error", err)
	}
}

func (e *Ends) keep(name names.Range, end []byte, size int64) error {
	length := int64(endHead + len(end))
	if len(end) > MaxEnd || length > e.opts.MaxSize/trimShare/2 {
		return nil
	}
	free, err := e.opts.Free(e.path)
	if err != nil {
		return err
	}
	if free < headroom {
		return ErrNoSpace
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.append(e.folder(name.Partition), encodeEndHead(name, end, size), end); err != nil {
		return err
	}
	if e.written += length; e.written > e.opts.MaxSize/trimShare/2 {
		return e.trim()
	}
	return nil
}

// append adds a record to the newest file of a folder that is free and not
// full, or to a new one.
func (e *Ends) append(folder string, head, end []byte) error {
	for n := newestEnds(folder); ; n++ {
		done, err := e.appendTo(filepath.Join(folder, fileName(n)), head, end)
		if done || err != nil && !errors.Is(err, ErrInUse) {
			return err
		}
	}
}

// appendTo reports whether the file took the record.
func (e *Ends) appendTo(path string, head, end []byte) (done bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		}
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return false, err
	}
	length, err := e.mend(f, path)
	next := length + int64(len(head)+len(end))
	if err != nil || length > 0 && next > e.rotate {
		return false, err
	}
	// A head without its end is not read, and the next writer cuts it off.
	if _, err := f.Write(head); err != nil {
		return false, err
	}
	if _, err := f.Write(end); err != nil {
		return false, err
	}
	e.sound[path] = next
	return true, nil
}

// mend cuts off a last record that a crash left half written, and returns the
// length of the file, which is locked.
func (e *Ends) mend(f *os.File, path string) (int64, error) {
	info, err := f.Stat()
	if err != nil || e.sound[path] == info.Size() {
		return e.sound[path], err
	}
	length := walkEnds(f, info.Size(), func(endRecord) {})
	if length < info.Size() {
		err = f.Truncate(length)
	}
	return length, err
}

func (e *Ends) folder(p names.Partition) string {
	return filepath.Join(e.path, p.Topic, p.Lineage.String(), fmt.Sprint(p.Number))
}
