package segment

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Block returns the body of block n: batches as the broker sent them. It uses
// the memory of dst if that is large enough; dst's bytes are lost. Errors are
// *BlockError around ErrWrongKey, ErrDamaged or what the source returned.
func (r *Reader) Block(n int, secret block.Secret, dst []byte) ([]byte, error) {
	e, err := r.entry(n)
	if err != nil {
		return nil, err
	}
	body, err := r.body(n, e, secret, dst)
	if err != nil {
		return nil, r.wrap(n, err)
	}
	return body, nil
}

func (r *Reader) body(n int, e *BlockInfo, secret block.Secret, dst []byte) ([]byte, error) {
	keys, err := r.keys(n, e, secret)
	if err != nil {
		return nil, err
	}
	// The body comes first in the buffer, the sealed bytes behind it; without
	// compression they are opened in place.
	at := int(e.Plain)
	if e.Compression == block.None {
		at = 0
	}
	buf := slices.Grow(dst[:0], at+int(e.Stored))[:at+int(e.Stored)]
	sealed := buf[at:]
	if err := r.read(sealed, e.Position, e.SHA256); err != nil {
		return nil, err
	}
	stored, err := keys.OpenBody(sealed[:0], sealed, r.placeOf(n, e))
	if err != nil {
		return nil, err
	}
	body := stored
	if e.Compression != block.None {
		body = buf[:at]
		if err := r.unpack.Decompress(e.Compression, body, stored); err != nil {
			return nil, err
		}
	}
	return body, checkBody(e, body, n == 0)
}

// keys derives the keys of a block and compares the commitment, before a byte
// of the block is read.
func (r *Reader) keys(n int, e *BlockInfo, secret block.Secret) (*block.Keys, error) {
	key, err := secret.Key(r.place.Header, uint32(n))
	if err != nil {
		return nil, err
	}
	keys, err := key.Expand()
	if err != nil {
		return nil, err
	}
	if keys.Commitment != e.Commitment {
		return nil, fmt.Errorf("page %s, slot %d: %w", r.header.Page, r.header.Slot, ErrWrongKey)
	}
	return keys, nil
}

func (r *Reader) placeOf(n int, e *BlockInfo) block.Place {
	p := r.place
	p.Number, p.Base, p.Next, p.Compression, p.Plain = uint32(n), e.Base, e.Next, e.Compression, e.Plain
	return p
}

// errNoSource is the error of a reader that has only a tail.
var errNoSource = errors.New("only the tail of the segment was opened")

// read fills b from the segment and checks its SHA-256.
func (r *Reader) read(b []byte, at uint64, want names.Digest) error {
	if r.src == nil {
		return errNoSource
	}
	if err := readFull(r.src, b, int64(at)); err != nil {
		return err
	}
	if got := names.Digest(sha256.Sum256(b)); got != want {
		return damaged("SHA-256 of its %d bytes is %s, the footer says %s", len(b), got, want)
	}
	return nil
}

// checkBody applies the writer's rules once more to what was opened. The
// CRC-32C of the batches is not looked at: GCM vouches for every bit.
func checkBody(e *BlockInfo, body []byte, first bool) error {
	next := e.Base
	var batches uint32
	var records uint64
	for rest := body; len(rest) > 0; batches++ {
		h, err := recordbatch.ParseHeader(rest)
		if err != nil {
			return damaged("batch %d: %v", batches, err)
		}
		if h.Size() > len(rest) {
			return damaged("batch %d: cut short", batches)
		}
		if h.BaseOffset < next && (batches > 0 || !first) {
			return damaged("batch %d: begins at offset %d, below %d", batches, h.BaseOffset, next)
		}
		if h.NextOffset() <= next || h.NextOffset() > e.Next {
			return damaged("batch %d: ends at offset %d, outside (%d, %d]", batches, h.NextOffset(), next, e.Next)
		}
		next, records, rest = h.NextOffset(), records+uint64(h.Count), rest[h.Size():]
	}
	if batches != e.Batches || records != e.Records {
		return damaged("%d batches with %d records, the footer says %d with %d", batches, records, e.Batches, e.Records)
	}
	return nil
}

// Filter returns the filter of block n, nil when it has none; a nil Filter
// says maybe to every key. Errors are those of Block.
func (r *Reader) Filter(n int, secret block.Secret) (*block.Filter, error) {
	e, err := r.entry(n)
	if err != nil || e.Filter.Length == 0 {
		return nil, err
	}
	f, err := r.filter(n, e, secret)
	if err != nil {
		return nil, r.wrap(n, fmt.Errorf("filter: %w", err))
	}
	return f, nil
}

func (r *Reader) filter(n int, e *BlockInfo, secret block.Secret) (*block.Filter, error) {
	keys, err := r.keys(n, e, secret)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, e.Filter.Length)
	if err := r.read(sealed, e.Filter.Position, e.Filter.SHA256); err != nil {
		return nil, err
	}
	plain, err := keys.OpenFilter(sealed[:0], sealed, r.placeOf(n, e))
	if err != nil {
		return nil, err
	}
	return keys.ParseFilter(plain)
}

// Check compares the stored bytes of block n and its filter with their SHA-256.
// It needs no key.
func (r *Reader) Check(n int) error {
	e, err := r.entry(n)
	if err != nil {
		return err
	}
	if err := r.read(make([]byte, e.Stored), e.Position, e.SHA256); err != nil {
		return r.wrap(n, err)
	}
	if e.Filter.Length == 0 {
		return nil
	}
	if err := r.read(make([]byte, e.Filter.Length), e.Filter.Position, e.Filter.SHA256); err != nil {
		return r.wrap(n, fmt.Errorf("filter: %w", err))
	}
	return nil
}

func (r *Reader) entry(n int) (*BlockInfo, error) {
	if n < 0 || n >= len(r.footer.Blocks) {
		return nil, fmt.Errorf("%s: block %d of %d", r.Name(), n, len(r.footer.Blocks))
	}
	return &r.footer.Blocks[n], nil
}

func (r *Reader) wrap(n int, err error) error {
	e := &r.footer.Blocks[n]
	return &BlockError{Segment: r.Name().String(), Block: n, Base: e.Base, Next: e.Next, Err: err}
}
