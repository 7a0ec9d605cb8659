package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a secret looks like in any text.
const redacted = "(secret)"

// key is an AES-256 key.
type key [32]byte

// Format prints a placeholder whatever the verb, %x and %#v included.
func (key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue prints a placeholder in logs.
func (key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText prints a placeholder in JSON.
func (key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func newKey() (k key) {
	_, _ = rand.Read(k[:]) // never fails: crypto/rand ends the process instead
	return k
}

// aead returns AES-256-GCM with a random nonce of 12 bytes before each
// ciphertext: the one form of GCM that GODEBUG=fips140=only allows.
func (k *key) aead() (cipher.AEAD, error) {
	b, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(b)
}

// seal returns nonce, ciphertext and tag.
func (k *key) seal(plain, aad []byte) ([]byte, error) {
	a, err := k.aead()
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, plain, aad), nil
}

// open undoes seal; where the key or the aad is another one it is ErrWrongKey.
func (k *key) open(sealed, aad []byte) ([]byte, error) {
	a, err := k.aead()
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, aad)
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}
