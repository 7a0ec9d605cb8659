package block

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Place is where a block belongs. It is the additional authenticated data of
// what is sealed, so that nothing opens anywhere else.
type Place struct {
	// Header is the SHA-256 of the segment's header, and so stands for
	// archive, topic, lineage, partition and base offset.
	Header names.Digest
	// Number counts the blocks of a segment from 0.
	Number uint32
	// Base and Next are the offsets the block covers, [Base, Next).
	Base, Next int64
	// Compression is how the body is stored.
	Compression Compression
	// Plain is the length of the body in bytes when it is not compressed.
	Plain uint32
}

func (p Place) bodyData() []byte {
	b := append(make([]byte, 0, 64), p.Header[:]...)
	b = binary.BigEndian.AppendUint32(b, p.Number)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Base))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Next))
	b = append(b, byte(p.Compression))
	return binary.BigEndian.AppendUint32(b, p.Plain)
}

func (p Place) filterData() []byte {
	b := append(make([]byte, 0, 48), p.Header[:]...)
	b = append(b, "filter"...)
	return binary.BigEndian.AppendUint32(b, p.Number)
}

// SealBody appends the sealed form of a stored body to dst: nonce, ciphertext,
// tag. A block key seals one body only.
func (k *Keys) SealBody(dst, stored []byte, p Place) ([]byte, error) {
	return seal(&k.body, dst, stored, p.bodyData())
}

// OpenBody appends the stored body to dst, or returns ErrDamaged. With
// sealed[:0] as dst it works in place.
func (k *Keys) OpenBody(dst, sealed []byte, p Place) ([]byte, error) {
	return open(&k.body, dst, sealed, p.bodyData())
}

// SealFilter appends the sealed form of a filter to dst.
func (k *Keys) SealFilter(dst, filter []byte, p Place) ([]byte, error) {
	return seal(&k.filter, dst, filter, p.filterData())
}

// OpenFilter appends the filter to dst, or returns ErrDamaged.
func (k *Keys) OpenFilter(dst, sealed []byte, p Place) ([]byte, error) {
	return open(&k.filter, dst, sealed, p.filterData())
}

func seal(key *[32]byte, dst, plain, data []byte) ([]byte, error) {
	a, err := aead(key)
	if err != nil {
		return dst, err
	}
	return a.Seal(dst, nil, plain, data), nil
}

func open(key *[32]byte, dst, sealed, data []byte) ([]byte, error) {
	a, err := aead(key)
	if err != nil {
		return dst, err
	}
	plain, err := a.Open(dst, nil, sealed, data)
	if err != nil {
		return dst, fmt.Errorf("it does not open in this place: %w", ErrDamaged)
	}
	return plain, nil
}

// aead is AES-256-GCM in the one form that FIPS 140 mode allows: the nonce is
// made inside the module (NIST SP 800-38D, 8.2.2).
func aead(key *[32]byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("make AES-256: %w", err)
	}
	a, err := cipher.NewGCMWithRandomNonce(b)
	if err != nil {
		return nil, fmt.Errorf("make AES-256-GCM: %w", err)
	}
	return a, nil
}
