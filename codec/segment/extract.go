package segment

import (
	"crypto/sha256"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
)

// Extract is what shows one block of a segment to somebody who has neither the
// segment nor its secret.
type Extract struct {
	// Tail is footer and trailer: OpenTail with it and Size, the length of the
	// whole segment in bytes, knows everything but the bodies.
	Tail []byte
	Size int64
	// Block counts from 0.
	Block int
	// Key opens the body and the filter of this block, and nothing else.
	Key block.Key
	// Sealed is the sealed body.
	Sealed []byte
}

// Extract takes block n out, and opens it once to be sure. Errors are those of
// Block.
func (r *Reader) Extract(n int, secret block.Secret) (*Extract, error) {
	e, err := r.entry(n)
	if err != nil {
		return nil, err
	}
	x := &Extract{Size: r.size, Block: n, Sealed: make([]byte, e.Stored)}
	if x.Key, err = secret.Key(r.place.Header, uint32(n)); err != nil {
		return nil, r.wrap(n, err)
	}
	if err := r.read(x.Sealed, e.Position, e.SHA256); err != nil {
		return nil, r.wrap(n, err)
	}
	if _, err := r.OpenSealed(n, x.Key, x.Sealed); err != nil {
		return nil, err
	}
	x.Tail = r.end.appendTo(r.footer.appendTo(nil, r.header.appendTo(nil)))
	return x, nil
}

// TailSize is how long footer and trailer are together, in bytes.
func (r *Reader) TailSize() int { return int(r.end.footer) + trailerSize }

// OpenSealed is Block where the sealed body is at hand, and not the secret but
// the key of the block. It leaves sealed as it is.
func (r *Reader) OpenSealed(n int, key block.Key, sealed []byte) ([]byte, error) {
	e, err := r.entry(n)
	if err != nil {
		return nil, err
	}
	body, err := r.openSealed(n, e, key, sealed)
	if err != nil {
		return nil, r.wrap(n, err)
	}
	return body, nil
}

func (r *Reader) openSealed(n int, e *BlockInfo, key block.Key, sealed []byte) ([]byte, error) {
	keys, err := key.Expand()
	if err != nil {
		return nil, err
	}
	if keys.Commitment != e.Commitment {
		return nil, fmt.Errorf("block key: %w", ErrWrongKey)
	}
	if len(sealed) != int(e.Stored) || names.Digest(sha256.Sum256(sealed)) != e.SHA256 {
		return nil, damaged("its %d bytes are not those that were signed", len(sealed))
	}
	body, err := keys.OpenBody(nil, sealed, r.placeOf(n, e))
	if err != nil {
		return nil, err
	}
	if e.Compression != block.None {
		stored := body
		body = make([]byte, e.Plain)
		if err := r.unpack.Decompress(e.Compression, body, stored); err != nil {
			return nil, err
		}
	}
	return body, checkBody(e, body, n == 0)
}
