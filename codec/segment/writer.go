package segment

import (
	"errors"
	"fmt"
	"math"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Options are how a segment is written. The zero value is good, without
// filters or compression.
type Options struct {
	// BlockSize is the body in bytes after which a block is sealed;
	// DefaultBlockSize if it is not above 0.
	BlockSize int
	// Compression is what to do to blocks that the producer left
	// uncompressed.
	Compression block.Compression
	// Filter says to make a filter over the record keys of each block.
	Filter bool
	// Fields, with Filter, adds values of fields to the filters. It may be nil.
	Fields Fields
	// Buffer is where the segment is built, if it is large enough. It belongs
	// to the writer until Close, then to Sealed.Data.
	Buffer []byte
	// Grow returns a buffer for at least n bytes that begins with those of old,
	// which belongs to it from then on; nil makes a new one each time.
	Grow func(old []byte, n int) []byte
	// Pool lends the memory that writers need while they are open. Without
	// one the writer has its own.
	Pool *Pool
}

// Writer builds one segment in memory. It is not safe for concurrent use; a
// Writer that is not wanted any more may be dropped, or handed back to its pool
// by Discard.
type Writer struct {
	header    Header
	headerLen int
	place     block.Place // of the open block; its Header is that of all
	secret    block.Secret
	options   Options
	scratch   *scratch // nil when the writer is closed

	out     []byte // header and sealed blocks
	crc     uint32 // of out
	filters []byte // sealed filters, behind the blocks in the end
	footer  Footer
	next    int64 // covered so far

	keys    *block.Keys // of the open block
	lent    []byte      // the end of the open block's body, in the caller's memory
	lends   bool        // the last batch was lent
	open    BlockInfo   // the open block, while keys is not nil
	packed  int         // bytes of the open block that the producer compressed
	maybe   bool        // the open block gets no filter: a batch was too large to look into
	blind   bool        // its filter covers no fields: a value could not be read
	unread  uint64      // values in all that could not be read
	timeGap bool        // a batch of the open block does not tell its lowest timestamp
}

// errClosed is the error of a writer that was closed or discarded.
var errClosed = errors.New("segment writer is closed")

// NewWriter begins a segment. The secret is what the header's page and slot
// hold; it must never serve another segment.
func NewWriter(h Header, secret block.Secret, o Options) (*Writer, error) {
	h.Created, h.RetainUntil = moment(millis(h.Created)), moment(millis(h.RetainUntil))
	if err := h.validate(); err != nil {
		return nil, fmt.Errorf("begin segment of %s: %w", h.PartitionName(), err)
	}
	if !o.Compression.Known() {
		return nil, fmt.Errorf("begin segment of %s: %v is unknown", h.PartitionName(), o.Compression)
	}
	if err := block.CheckFields(o.fields()); err != nil {
		return nil, fmt.Errorf("begin segment of %s: %w", h.PartitionName(), err)
	}
	if o.BlockSize <= 0 {
		o.BlockSize = DefaultBlockSize
	}
	if o.Pool == nil {
		o.Pool = NewPool()
	}
	w := &Writer{header: h, secret: secret, options: o, scratch: o.Pool.getScratch(), next: h.Base}
	w.out = h.appendTo(o.Buffer[:0])
	w.headerLen = len(w.out)
	w.crc = checksum(0, w.out)
	w.place.Header = digestOf(w.out)
	return w, nil
}

// Next is the offset after the last one covered so far.
func (w *Writer) Next() int64 { return w.next }

// Size is how long the segment would be about now, in bytes: what is sealed,
// and what waits to be.
func (w *Writer) Size() int { return len(w.out) + len(w.filters) + w.buffered() }

func (w *Writer) buffered() int {
	if w.scratch == nil {
		return 0
	}
	return len(w.scratch.body) + len(w.lent)
}

// Memory is how many bytes the writer keeps alive, without what the pool lends
// for a call and without what the caller has lent.
func (w *Writer) Memory() int {
	n := cap(w.out) + cap(w.filters) + cap(w.footer.Blocks)*entrySize
	if w.scratch != nil {
		n += w.scratch.memory()
	}
	return n
}

// Append takes one batch, as recordbatch.Next gives it, and copies it. The
// first may begin below the segment's base, as long as it ends above; every
// other begins at Next or above. With filters, an error that wraps
// recordbatch.ErrCorrupt says that the keys of the batch cannot be read. After
// an error the writer covers what it did before.
func (w *Writer) Append(h recordbatch.Header, batch []byte) error {
	w.lends = false
	err := w.add(h, batch)
	w.Settle()
	return err
}

// Lend is Append without the copy: batch must stay as it is until Settle, Close
// or Discard. Batches that lie one behind the other in one slice, as those of a
// fetch do, are sealed from where they lie, if the capacity of each reaches
// over the next; others are copied all the same.
func (w *Writer) Lend(h recordbatch.Header, batch []byte) error {
	w.lends = true
	return w.add(h, batch)
}

func (w *Writer) add(h recordbatch.Header, batch []byte) error {
	err := w.accept(h, batch)
	if err == nil {
		err = w.append(h, batch)
	}
	if err != nil {
		return fmt.Errorf("append batch at offset %d to segment at %d: %w", h.BaseOffset, w.header.Base, err)
	}
	return nil
}

// append seals the open block when it is full, but only once it is sure that
// a batch follows: the last block must cover everything up to Close.
func (w *Writer) append(h recordbatch.Header, batch []byte) error {
	keys, err := w.keysFor(len(batch))
	if err != nil {
		return err
	}
	before := len(w.scratch.hashes)
	seen, err := w.look(keys, h, batch)
	if err != nil {
		w.scratch.hashes = w.scratch.hashes[:before]
		return err
	}
	if w.keys != nil && keys != w.keys {
		if err := w.seal(before); err != nil {
			return err
		}
	}
	if w.keys == nil {
		w.begin(keys)
	}
	w.maybe, w.blind = w.maybe || seen.tooLarge, w.blind || seen.unread > 0
	w.unread += seen.unread
	w.take(batch)
	w.count(h, len(batch))
	w.next = h.NextOffset()
	return nil
}

// take adds a batch to the body of the open block.
func (w *Writer) take(batch []byte) {
	if n := len(w.lent); n > 0 && cap(w.lent) > n && &w.lent[:n+1][n] == &batch[0] {
		w.lent = w.lent[:n+len(batch)]
		return
	}
	w.Settle()
	w.lent = batch
}

// Settle copies what was lent and is not sealed yet. The caller has his memory
// back.
func (w *Writer) Settle() {
	if w.scratch != nil && len(w.lent) > 0 {
		w.scratch.body = append(w.scratch.body, w.lent...)
	}
	w.lent = nil
}

// body is that of the open block in one piece: where it lies, if all of it was
// lent.
func (w *Writer) body() []byte {
	if len(w.scratch.body) > 0 {
		w.Settle()
		return w.scratch.body
	}
	return w.lent
}

// keysFor returns the keys of the block that a batch of so many bytes goes
// into: the open one or the next.
func (w *Writer) keysFor(size int) (*block.Keys, error) {
	n := uint32(len(w.footer.Blocks))
	if w.keys != nil {
		body := w.buffered()
		if body < w.enough() && body+size <= block.MaxBody {
			return w.keys, nil
		}
		n++
	}
	key, err := w.secret.Key(w.place.Header, n)
	if err != nil {
		return nil, err
	}
	return key.Expand()
}

// enough is the body at which the open block is sealed. What an earlier fetch
// left over is sealed from half a block on: filling it up would copy as much
// again.
func (w *Writer) enough() int {
	if w.lends && len(w.lent) == 0 {
		return w.options.BlockSize/2 + 1
	}
	return w.options.BlockSize
}

// accept has one if and one message for each rule.
func (w *Writer) accept(h recordbatch.Header, batch []byte) error {
	if w.scratch == nil {
		return errClosed
	}
	if len(batch) != h.Size() {
		return fmt.Errorf("%d bytes, its header says %d", len(batch), h.Size())
	}
	if len(batch) > block.MaxBody {
		return fmt.Errorf("%d bytes: want at most %d", len(batch), block.MaxBody)
	}
	if h.NextOffset() <= w.next {
		return fmt.Errorf("it ends at offset %d, everything up to %d is covered", h.NextOffset(), w.next)
	}
	if h.BaseOffset < w.next && w.started() {
		return fmt.Errorf("it begins below offset %d, up to which everything is covered", w.next)
	}
	if len(w.footer.Blocks) >= maxBlocks-1 {
		return fmt.Errorf("segment is full: %d blocks", len(w.footer.Blocks))
	}
	return nil
}

// started reports whether there is a batch already.
func (w *Writer) started() bool { return w.keys != nil || len(w.footer.Blocks) > 0 }

// Advance says that everything up to next is covered although no batch holds
// it: compaction removed it, or the transaction was aborted. A next that is
// not above Next changes nothing.
func (w *Writer) Advance(next int64) { w.next = max(w.next, next) }

// begin opens a block where the last one ends.
func (w *Writer) begin(keys *block.Keys) {
	n := len(w.footer.Blocks)
	base := w.header.Base
	if n > 0 {
		base = w.footer.Blocks[n-1].Next
	}
	w.keys = keys
	w.place.Number = uint32(n)
	w.open = BlockInfo{Base: base, MaxTimestamp: NoTimestamp, MinTimestamp: math.MaxInt64}
	w.packed, w.maybe, w.blind, w.timeGap = 0, false, false, false
}

// count adds a batch to the entry of the open block.
func (w *Writer) count(h recordbatch.Header, size int) {
	e := &w.open
	e.Batches++
	e.Records += uint64(h.Count)
	e.Transactional = e.Transactional || h.IsTransactional()
	e.Control = e.Control || h.IsControl()
	if h.Codec() != recordbatch.CodecNone {
		w.packed += size
	}
	if h.Count == 0 {
		return
	}
	e.MaxTimestamp = max(e.MaxTimestamp, h.MaxTimestamp)
	e.MinTimestamp = min(e.MinTimestamp, h.MaxTimestamp)
	w.timeGap = w.timeGap || h.Count > 1 && !h.LogAppendTime()
}

// Discard gives up the segment and hands its memory back to the pool. The
// writer cannot be used any more. After Close it does nothing.
func (w *Writer) Discard() {
	if w.scratch != nil {
		w.options.Pool.putScratch(w.scratch)
		w.scratch, w.out, w.filters, w.footer, w.lent = nil, nil, nil, Footer{}, nil
	}
}

// Sealed is a finished segment.
type Sealed struct {
	// Name is the object's name, Data its bytes.
	Name names.Range
	Data []byte
	// Digest is the SHA-256 of the footer: what a segment that follows names.
	Digest names.Digest
	// CRC32C is the CRC-32C of Data.
	CRC32C uint32
	Header Header
	Footer Footer
	// Records and Batches are the footer's.
	Records, Batches uint64
	// Unread is how many record values Options.Fields could not read: the
	// filters of their blocks cover no fields.
	Unread uint64
}
