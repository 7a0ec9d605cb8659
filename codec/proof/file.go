package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

const (
	magic   = "TIDEPROF"
	version = 1

	// fixed is what stands in front of the parts, in bytes.
	fixed = 8 + 2 + 4 + 4 + 4 + 4 + 8 + 8 + 32

	// maxTail bounds footer and trailer: 65,536 entries of 170 bytes, and some.
	maxTail = 16 << 20

	// MaxFile is the longest proof that is read, in bytes: that of a record as
	// large as a block may be.
	MaxFile = fixed + signed.MaxFile + maxTail + block.MaxBody + block.Overhead + sha256.Size
)

// ErrDamaged means that the file is not as it was written.
var ErrDamaged = errors.New("the proof is damaged: ask for it again")

// Parts are what a proof is made of.
type Parts struct {
	segment.Extract
	// Signer is the file by which the root introduced the segment's signer.
	Signer []byte
	// Offset is that of the record.
	Offset int64
}

// Encode writes a proof. It checks nothing: Verify does.
func Encode(p Parts) []byte {
	be := binary.BigEndian
	b := make([]byte, 0, fixed+len(p.Signer)+len(p.Tail)+len(p.Sealed)+sha256.Size)
	b = append(b, magic...)
	b = be.AppendUint16(b, version)
	b = be.AppendUint32(b, uint32(len(p.Signer)))
	b = be.AppendUint32(b, uint32(len(p.Tail)))
	b = be.AppendUint32(b, uint32(len(p.Sealed)))
	b = be.AppendUint32(b, uint32(p.Block))
	b = be.AppendUint64(b, uint64(p.Size))
	b = be.AppendUint64(b, uint64(p.Offset))
	b = append(b, p.Key[:]...)
	b = append(append(append(b, p.Signer...), p.Tail...), p.Sealed...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// decode takes a proof apart. The parts lie in b.
func decode(b []byte) (Parts, error) {
	var p Parts
	if len(b) < fixed+sha256.Size || !bytes.HasPrefix(b, []byte(magic)) {
		return p, fmt.Errorf("it does not begin with %q, or is cut short: %w", magic, ErrDamaged)
	}
	be := binary.BigEndian
	if v := be.Uint16(b[8:]); v != version {
		return p, fmt.Errorf("version %d of proofs is unknown, this program knows %d: %w", v, version, segment.ErrVersion)
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return p, fmt.Errorf("its bytes are not those of its SHA-256: %w", ErrDamaged)
	}
	signer, tail, sealed := uint64(be.Uint32(b[10:])), uint64(be.Uint32(b[14:])), uint64(be.Uint32(b[18:]))
	if fixed+signer+tail+sealed != uint64(len(body)) {
		return p, fmt.Errorf("its parts do not fill it: %w", ErrDamaged)
	}
	p.Block, p.Size, p.Offset = int(be.Uint32(b[22:])), int64(be.Uint64(b[26:])), int64(be.Uint64(b[34:]))
	p.Key = block.Key(b[42:fixed])
	rest := body[fixed:]
	p.Signer, rest = rest[:signer], rest[signer:]
	p.Tail, p.Sealed = rest[:tail], rest[tail:]
	return p, nil
}
