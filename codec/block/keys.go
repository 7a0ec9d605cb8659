package block

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Secret is a segment's secret: what a slot of a key page holds. It never
// prints.
type Secret [32]byte

// Key is the key of one block, all that is needed to open its body and its
// filter. It never prints.
type Key [32]byte

// The labels keep what is derived for one purpose from serving another.
const (
	labelBlock      = "tidemark/1 block"
	labelBody       = "tidemark/1 body"
	labelFilter     = "tidemark/1 filter"
	labelRecordKeys = "tidemark/1 record keys"
	labelField      = "tidemark/1 field" // and the field's id
	labelCommitment = "tidemark/1 commitment"
)

// hidden is what a secret shows of itself in logs, errors and JSON.
const hidden = "(secret)"

// Format keeps the secret out of everything package fmt prints.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText keeps the secret out of JSON and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format keeps the key out of everything package fmt prints.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText keeps the key out of JSON and structured logs.
func (k Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Key derives the key of block n of the segment whose header has this SHA-256.
func (s Secret) Key(header names.Digest, n uint32) (Key, error) {
	info := binary.BigEndian.AppendUint32([]byte(labelBlock), n)
	k, err := hkdf.Key(sha256.New, s[:], header[:], string(info), len(Key{}))
	if err != nil {
		return Key{}, fmt.Errorf("derive key of block %d: %w", n, err)
	}
	return Key(k), nil
}

// Keys are the keys that one block key stands for.
type Keys struct {
	block        Key // what they come from
	body, filter [32]byte
	k0, k1       uint64 // of SipHash

	// Commitment is public. It can be compared with the footer's to know
	// whether the block key is the right one.
	Commitment names.Digest
}

// Expand derives the keys for each purpose.
func (k Key) Expand() (*Keys, error) {
	ks := &Keys{block: k}
	var sip [16]byte
	for _, out := range []struct {
		label string
		into  []byte
	}{
		{labelBody, ks.body[:]}, {labelFilter, ks.filter[:]}, {labelRecordKeys, sip[:]}, {labelCommitment, ks.Commitment[:]},
	} {
		b, err := hkdf.Expand(sha256.New, k[:], out.label, len(out.into))
		if err != nil {
			return nil, fmt.Errorf("derive %q: %w", out.label, err)
		}
		copy(out.into, b)
	}
	ks.k0 = binary.LittleEndian.Uint64(sip[:8])
	ks.k1 = binary.LittleEndian.Uint64(sip[8:])
	return ks, nil
}
