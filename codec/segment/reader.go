package segment

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Reader reads one segment. It is safe for concurrent use if what it reads
// from is.
type Reader struct {
	src    io.ReaderAt // nil after OpenTail
	size   int64
	header Header
	footer Footer
	place  block.Place // Header only
	digest names.Digest
	end    trailer
	crc    uint32
	unpack block.Decompressor
}

// Open reads a segment of size bytes, tail first: signature, structure, and
// that the header in front is the one that was signed. Most segments take two
// reads. No body is read.
//
// Errors wrap ErrDamaged, signed.ErrSignature or ErrVersion, or are those of r.
func Open(r io.ReaderAt, size int64, t *signed.Trust) (*Reader, error) {
	s, err := openTailAt(r, size, t)
	if err != nil {
		return nil, err
	}
	front := make([]byte, s.headerLen())
	if err := readFull(r, front, 0); err != nil {
		return nil, fmt.Errorf("read segment header: %w", err)
	}
	if !bytes.Equal(front, s.header.appendTo(nil)) {
		return nil, fmt.Errorf("open %s: %w", s.Name(), damaged("header: not the one that was signed"))
	}
	s.src = r
	return s, nil
}

func openTailAt(r io.ReaderAt, size int64, t *signed.Trust) (*Reader, error) {
	want := min(size, firstRead)
	for {
		tail := make([]byte, max(want, 0))
		if err := readFull(r, tail, size-want); err != nil {
			return nil, fmt.Errorf("read segment tail: %w", err)
		}
		s, err := OpenTail(tail, size, t)
		need := (*NeedError)(nil)
		if !errors.As(err, &need) {
			return s, err
		}
		want = need.Bytes
	}
}

// OpenTail reads a segment of size bytes from its last bytes alone: header,
// footer and signature, but no body. A tail that is too short is a *NeedError.
// What it returns knows everything but blocks and filters.
func OpenTail(tail []byte, size int64, t *signed.Trust) (*Reader, error) {
	s, err := openTail(tail, size, t)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	return s, nil
}

// OpenEnd is OpenTail with a place to read blocks and filters from. The header
// in front is not compared with the one that was signed, for nothing is taken
// from it: what a block must be stands in the footer.
func OpenEnd(tail []byte, src io.ReaderAt, size int64, t *signed.Trust) (*Reader, error) {
	s, err := OpenTail(tail, size, t)
	if err != nil {
		return nil, err
	}
	s.src = src
	return s, nil
}

func openTail(tail []byte, size int64, t *signed.Trust) (*Reader, error) {
	footer, end, err := cutFooter(tail, size)
	if err != nil {
		return nil, err
	}
	h, raw, err := decodeHeader(footer)
	if err != nil {
		return nil, err
	}
	digest := names.Digest(sha256.Sum256(footer))
	if err := verify(h, digest, end, t); err != nil {
		return nil, err
	}
	f, err := decodeFooter(footer[len(raw):])
	if err != nil {
		return nil, err
	}
	if err := f.validate(h, len(raw), uint64(size)-uint64(trailerSize)-uint64(len(footer))); err != nil {
		return nil, rule(err)
	}
	return &Reader{
		size: size, header: h, footer: *f, place: block.Place{Header: digestOf(raw)}, digest: digest, end: end,
		crc: checksum(f.BodyCRC, tail[len(tail)-trailerSize-len(footer):]),
	}, nil
}

// cutFooter finds the footer in a tail.
func cutFooter(tail []byte, size int64) ([]byte, trailer, error) {
	if size < int64(trailerSize) {
		return nil, trailer{}, damaged("%d bytes are too few for a segment", size)
	}
	if int64(len(tail)) > size {
		return nil, trailer{}, fmt.Errorf("tail of %d bytes is longer than the segment of %d", len(tail), size)
	}
	if len(tail) < trailerSize {
		return nil, trailer{}, &NeedError{Bytes: int64(trailerSize)}
	}
	end, err := decodeTrailer(tail, size)
	if err != nil {
		return nil, end, err
	}
	need := trailerSize + int(end.footer)
	if len(tail) < need {
		return nil, end, &NeedError{Bytes: int64(need)}
	}
	return tail[len(tail)-need : len(tail)-trailerSize], end, nil
}

// verify checks that an archiver of this archive signed the footer.
func verify(h Header, digest names.Digest, end trailer, t *signed.Trust) error {
	if err := t.Verify(signed.RoleArchive, end.signer, signed.KindSegment, digest[:], end.signature[:]); err != nil {
		return err
	}
	if h.Archive != t.Archive() {
		return fmt.Errorf("it belongs to archive %s, this is %s: %w", h.Archive, t.Archive(), signed.ErrSignature)
	}
	return nil
}

// rule makes a broken rule of a signed footer damage, unless it says better.
func rule(err error) error {
	if errors.Is(err, ErrVersion) {
		return err
	}
	return damaged("%v", err)
}

// readFull reads exactly len(b) bytes. A source that has fewer is damaged.
func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return damaged("ends %d bytes early", len(b)-n)
	}
	return err
}

func (r *Reader) headerLen() int { return headerFixed + len(r.header.Topic) }

// Header returns what the segment is.
func (r *Reader) Header() Header { return r.header }

// Footer returns what the segment says about its blocks. The blocks are shared
// and must not be changed.
func (r *Reader) Footer() Footer { return r.footer }

// Digest returns the SHA-256 of the footer, which stands for the segment.
func (r *Reader) Digest() names.Digest { return r.digest }

// Signer returns who signed.
func (r *Reader) Signer() names.SignerID { return r.end.signer }

// Name returns the name the object must have.
func (r *Reader) Name() names.Range { return nameOf(r.header, &r.footer, r.digest) }

// Size returns the length of the object in bytes.
func (r *Reader) Size() int64 { return r.size }

// CRC32C returns the CRC-32C that the whole object must have. It comes from the
// tail alone, to be compared with what a store reports.
func (r *Reader) CRC32C() uint32 { return r.crc }

// CheckName returns an error that wraps ErrName if the object was found under
// a name that is not its own.
func (r *Reader) CheckName(name string) error {
	if own := r.Name().String(); own != name {
		return fmt.Errorf("object %q is %s: %w", name, own, ErrName)
	}
	return nil
}
