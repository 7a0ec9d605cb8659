package segment

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"hash/crc32"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum continues a CRC-32C.
func checksum(crc uint32, b []byte) uint32 { return crc32.Update(crc, castagnoli, b) }

// seal closes the open block: compressed if that helps, encrypted straight
// into the segment, hashed once. The first hashes of the scratch are those of
// its record keys and fields; what is behind them belongs to the next block.
func (w *Writer) seal(hashes int) error {
	t := w.options.Pool.getTools()
	defer w.options.Pool.putTools(t)
	e := &w.open
	body := w.body()
	e.Next, e.Plain = w.next, uint32(len(body))
	stored, kind, err := t.compressor.Compress(w.compression(len(body)), body)
	if err != nil {
		return fmt.Errorf("seal block %d: %w", w.place.Number, err)
	}
	e.Compression = kind
	w.place.Base, w.place.Next, w.place.Compression, w.place.Plain = e.Base, e.Next, kind, e.Plain
	from := len(w.out)
	w.grow(len(stored) + block.Overhead)
	if w.out, err = w.keys.SealBody(w.out, stored, w.place); err != nil {
		return fmt.Errorf("seal block %d: %w", w.place.Number, err)
	}
	sealed := w.out[from:]
	e.Position, e.Stored = uint64(from), uint32(len(sealed))
	e.SHA256, e.Commitment = sha256.Sum256(sealed), w.keys.Commitment
	w.crc = checksum(w.crc, sealed)
	if w.timeGap || e.Records == 0 {
		e.MinTimestamp = NoTimestamp
	}
	if err := w.sealFilter(t, w.scratch.hashes[:hashes]); err != nil {
		return fmt.Errorf("seal filter of block %d: %w", w.place.Number, err)
	}
	w.footer.Blocks = append(w.footer.Blocks, *e)
	w.keys, w.lent = nil, nil
	w.scratch.next(hashes)
	return nil
}

// compression is what to do to the open block: nothing if the producer
// compressed most of it.
func (w *Writer) compression(body int) block.Compression {
	if 2*w.packed > body {
		return block.None
	}
	return w.options.Compression
}

func (w *Writer) sealFilter(t *tools, hashes []uint64) error {
	if !w.options.Filter || w.maybe {
		return nil
	}
	fields := w.options.fields()
	if w.blind {
		fields = nil
	}
	plain, ok, err := t.builder.BuildCovering(t.filter[:0], fields, hashes)
	t.filter = plain
	if err != nil || !ok {
		return err
	}
	from := len(w.filters)
	if w.filters, err = w.keys.SealFilter(w.filters, plain, w.place); err != nil {
		return err
	}
	sealed := w.filters[from:]
	w.open.Filter = FilterInfo{Length: uint32(len(sealed)), SHA256: sha256.Sum256(sealed)}
	return nil
}

// Close ends the segment at next, signs it and returns it. The last block
// covers everything up to next. prev is the digest of what ends where this
// segment begins, zero if the writer knows of nothing. The writer cannot be used
// any more, whether or not there is an error.
func (w *Writer) Close(next int64, prev names.Digest, s *signed.Signer) (*Sealed, error) {
	if w.scratch == nil {
		return nil, errClosed
	}
	defer w.Discard()
	if next < w.next {
		return nil, fmt.Errorf("close segment at offset %d: everything up to %d is in it", next, w.next)
	}
	w.next = next
	if w.keys != nil {
		if err := w.seal(len(w.scratch.hashes)); err != nil {
			return nil, err
		}
	}
	w.placeFilters()
	w.total(prev)
	if err := w.footer.validate(w.header, w.headerLen, uint64(len(w.out))); err != nil {
		return nil, fmt.Errorf("close segment of %s: %w", w.header.PartitionName(), err)
	}
	return w.sign(s), nil
}

func (w *Writer) placeFilters() {
	at := uint64(len(w.out))
	for i := range w.footer.Blocks {
		if f := &w.footer.Blocks[i].Filter; f.Length > 0 {
			f.Position = at
			at += uint64(f.Length)
		}
	}
	w.grow(len(w.filters) + w.headerLen + footerFixed + len(w.footer.Blocks)*entrySize + trailerSize)
	w.out = append(w.out, w.filters...)
	w.crc = checksum(w.crc, w.filters)
}

func (w *Writer) total(prev names.Digest) {
	t := &w.footer
	t.Next, t.Prev, t.BodyCRC = w.next, prev, w.crc
	for i := range t.Blocks {
		t.Batches += uint64(t.Blocks[i].Batches)
		t.Records += t.Blocks[i].Records
		t.Plain += uint64(t.Blocks[i].Plain)
	}
}

func (w *Writer) sign(s *signed.Signer) *Sealed {
	body := len(w.out)
	w.out = w.footer.appendTo(w.out, w.out[:w.headerLen:w.headerLen])
	digest := names.Digest(sha256.Sum256(w.out[body:]))
	w.out = trailer{
		signer:    s.ID(),
		signature: [ed25519.SignatureSize]byte(s.Sign(signed.KindSegment, digest[:])),
		footer:    uint32(len(w.out) - body),
	}.appendTo(w.out)
	return &Sealed{
		Name:    nameOf(w.header, &w.footer, digest),
		Data:    w.out,
		Digest:  digest,
		CRC32C:  checksum(w.crc, w.out[body:]),
		Header:  w.header,
		Footer:  w.footer,
		Records: w.footer.Records,
		Batches: w.footer.Batches,
		Unread:  w.unread,
	}
}

// growth is by how much a large segment grows at least, in bytes.
const growth = 4 << 20

// grow makes room for n more bytes: twice as much as before at first, then in
// steps. Append's own quarter more at a time would copy a segment of 16 MiB
// four times over.
func (w *Writer) grow(n int) {
	need := len(w.out) + n
	if need <= cap(w.out) {
		return
	}
	need = max(need, cap(w.out)+min(cap(w.out), growth))
	if w.options.Grow != nil {
		w.out = w.options.Grow(w.out, need)
		return
	}
	larger := make([]byte, len(w.out), need)
	copy(larger, w.out)
	w.out = larger
}
