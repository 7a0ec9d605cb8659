package segment

import (
	"crypto/ed25519"
	"encoding/binary"

	"github.com/tidemark-io/tidemark/codec/names"
)

const (
	trailerMagic = "MARKTIDE"

	// trailerSize is the length of the trailer, the same in every version.
	trailerSize = 8 + ed25519.SignatureSize + 4 + 8
)

// trailer is the end of a segment.
type trailer struct {
	signer    names.SignerID
	signature [ed25519.SignatureSize]byte // Ed25519 over the digest
	footer    uint32                      // length of the footer in bytes
}

func (t trailer) appendTo(b []byte) []byte {
	b = append(b, t.signer[:]...)
	b = append(b, t.signature[:]...)
	b = binary.BigEndian.AppendUint32(b, t.footer)
	return append(b, trailerMagic...)
}

// decodeTrailer reads the last trailerSize bytes of tail, of a segment of size
// bytes.
func decodeTrailer(tail []byte, size int64) (trailer, error) {
	f := fields{b: tail[len(tail)-trailerSize:]}
	var t trailer
	f.bytes(t.signer[:])
	f.bytes(t.signature[:])
	t.footer = f.u32()
	if string(f.take(len(trailerMagic))) != trailerMagic {
		return t, damaged("trailer: does not end with %q", trailerMagic)
	}
	if t.footer < headerFixed+footerFixed || t.footer > maxFooter || int64(t.footer) > size-int64(trailerSize) {
		return t, damaged("trailer: footer of %d bytes does not fit a segment of %d", t.footer, size)
	}
	return t, nil
}
