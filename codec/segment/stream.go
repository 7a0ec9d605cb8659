package segment

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Stream writes one segment of any size, block after block, to where it is
// told. In memory it holds one block, and the filters and the footer, which come
// last: some 170 bytes and 1.25 bytes a key for each block. What it wrote is a
// segment once Close has returned nil, and never before. It is not safe for
// concurrent use.
type Stream struct {
	w       *Writer
	to      io.Writer
	header  []byte // encoded, for the footer
	flushed uint64 // bytes written to to
	placed  int    // blocks whose position is that in the whole
}

// NewStream begins a segment. The secret is what the header's page and slot
// hold; it must never serve another segment. Options.Buffer is not used.
func NewStream(to io.Writer, h Header, secret block.Secret, o Options) (*Stream, error) {
	o.Buffer = nil
	w, err := NewWriter(h, secret, o)
	if err != nil {
		return nil, err
	}
	return &Stream{w: w, to: to, header: append([]byte(nil), w.out[:w.headerLen]...)}, nil
}

// Next is the offset after the last one covered so far.
func (s *Stream) Next() int64 { return s.w.Next() }

// Advance is Writer.Advance.
func (s *Stream) Advance(next int64) { s.w.Advance(next) }

// Append is Writer.Append. After an error of the destination nothing can be
// saved: Discard it.
func (s *Stream) Append(h recordbatch.Header, batch []byte) error {
	if err := s.w.Append(h, batch); err != nil {
		return err
	}
	return s.drain()
}

// drain writes out what is sealed. The writer placed its blocks behind what it
// holds; in the whole they lie behind what was written before.
func (s *Stream) drain() error {
	for ; s.placed < len(s.w.footer.Blocks); s.placed++ {
		s.w.footer.Blocks[s.placed].Position += s.flushed
	}
	err := s.write(s.w.out)
	s.w.out = s.w.out[:0]
	return err
}

func (s *Stream) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := s.to.Write(b)
	s.flushed += uint64(n)
	if err != nil {
		return fmt.Errorf("write segment at byte %d: %w", s.flushed, err)
	}
	return nil
}

// Discard gives up the segment. After Close it does nothing.
func (s *Stream) Discard() { s.w.Discard() }

// Close ends the segment at next, signs it and writes its end; see
// Writer.Close. Data of what it returns is nil.
func (s *Stream) Close(next int64, prev names.Digest, by *signed.Signer) (*Sealed, error) {
	w := s.w
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
	if err := s.drain(); err != nil {
		return nil, err
	}
	if err := s.filters(); err != nil {
		return nil, err
	}
	w.total(prev)
	if err := w.footer.validate(w.header, w.headerLen, s.flushed); err != nil {
		return nil, fmt.Errorf("close segment of %s: %w", w.header.PartitionName(), err)
	}
	return s.end(by)
}

// filters writes the filters behind the blocks.
func (s *Stream) filters() error {
	at := s.flushed
	for i := range s.w.footer.Blocks {
		if f := &s.w.footer.Blocks[i].Filter; f.Length > 0 {
			f.Position = at
			at += uint64(f.Length)
		}
	}
	s.w.crc = checksum(s.w.crc, s.w.filters)
	return s.write(s.w.filters)
}

// end writes footer and trailer.
func (s *Stream) end(by *signed.Signer) (*Sealed, error) {
	w := s.w
	tail := w.footer.appendTo(nil, s.header)
	digest := names.Digest(sha256.Sum256(tail))
	tail = trailer{
		signer:    by.ID(),
		signature: [ed25519.SignatureSize]byte(by.Sign(signed.KindSegment, digest[:])),
		footer:    uint32(len(tail)),
	}.appendTo(tail)
	if err := s.write(tail); err != nil {
		return nil, err
	}
	return &Sealed{
		Name: nameOf(w.header, &w.footer, digest), Digest: digest, CRC32C: checksum(w.crc, tail),
		Header: w.header, Footer: w.footer, Records: w.footer.Records, Batches: w.footer.Batches, Unread: w.unread,
	}, nil
}
