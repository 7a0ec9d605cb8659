// Package signed reads and writes the small signed files of an archive: its
// identity, the keys of its signers, gaps, key pages, topic settings.
//
// Such a file is two lines of JSON. The first is the document; the second
// says who signed it:
//
//	{"archive":"6f…","reason":"retention",…}
//	{"kind":"gap","signer":"9c0d…","signature":"…"}
//
// The Ed25519 signature (RFC 8032) covers the text
//
//	"tidemark " kind "/1\n" first line without its newline
//
// exactly as it stands, so that nothing has to be put into a canonical form
// and a reader in any language needs only a JSON parser and Ed25519. The kind
// keeps a signature given for one purpose from serving another.
package signed

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/names"
)

// ErrSignature means that a file or segment is not signed by a key this
// archive trusts for that purpose, or was changed after it was signed.
var ErrSignature = errors.New("signature is not valid")

// MaxFile is the longest signed file that is read, in bytes. The largest are
// key pages, some 11 KiB; the limit keeps a hostile store from filling memory.
const MaxFile = 1 << 20

type seal struct {
	Kind      string         `json:"kind"`
	Signer    names.SignerID `json:"signer"`
	Signature []byte         `json:"signature"`
}

// Signer holds a private key and the role it may sign for.
type Signer struct {
	Role Role
	key  ed25519.PrivateKey
}

// NewSigner wraps a private key of 64 bytes.
func NewSigner(role Role, key ed25519.PrivateKey) *Signer { return &Signer{Role: role, key: key} }

// Public returns the public half of the key.
func (s *Signer) Public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

// ID returns the name of the key.
func (s *Signer) ID() names.SignerID { return IDOf(s.Public()) }

// IDOf returns the name of a public key.
func IDOf(key ed25519.PublicKey) names.SignerID {
	sum := sha256.Sum256(key)
	return names.SignerID(sum[:8])
}

// Sign returns the signature over "tidemark <kind>/1\n" and the message.
func (s *Signer) Sign(kind string, message []byte) []byte {
	return ed25519.Sign(s.key, covered(kind, message))
}

func covered(kind string, message []byte) []byte {
	return append([]byte("tidemark "+kind+"/1\n"), message...)
}

// Seal writes a document as a signed file.
func (s *Signer) Seal(kind string, document any) ([]byte, error) {
	line, err := encodeLine(document)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	second, err := encodeLine(seal{Kind: kind, Signer: s.ID(), Signature: s.Sign(kind, line)})
	if err != nil {
		return nil, fmt.Errorf("encode signature of %s: %w", kind, err)
	}
	return append(append(append(line, '\n'), second...), '\n'), nil
}

// encodeLine writes compact JSON on one line, without HTML escapes.
func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Open checks that file holds a document of this kind, signed by a key that t
// trusts for the role, and decodes it. An unknown field is an error: a file of
// a later format is refused, never half understood. It wraps ErrSignature
// where the signature is at fault.
func Open(file []byte, kind string, t *Trust, role Role, into any) error {
	line, s, err := split(file)
	if err != nil {
		return fmt.Errorf("open %s: %w", kind, err)
	}
	if s.Kind != kind {
		return fmt.Errorf("open %s: signed as %q: %w", kind, s.Kind, ErrSignature)
	}
	if err := t.Verify(role, s.Signer, kind, line, s.Signature); err != nil {
		return fmt.Errorf("open %s: %w", kind, err)
	}
	if err := decodeStrict(line, into); err != nil {
		return fmt.Errorf("open %s: %w", kind, err)
	}
	return nil
}

func split(file []byte) ([]byte, seal, error) {
	var s seal
	if len(file) > MaxFile {
		return nil, s, fmt.Errorf("%d bytes, above the limit of %d", len(file), MaxFile)
	}
	lines := bytes.SplitAfterN(file, []byte("\n"), 3)
	if len(lines) != 3 || len(lines[2]) != 0 {
		return nil, s, errors.New("want two lines, a document and its signature")
	}
	if err := decodeStrict(lines[1], &s); err != nil {
		return nil, s, fmt.Errorf("signature line: %w", err)
	}
	return bytes.TrimSuffix(lines[0], []byte("\n")), s, nil
}

func decodeStrict(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}
