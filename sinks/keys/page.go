package keys

import (
	"encoding/binary"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// A page file is a signed file of kind "key-page". What is wrapped is, for
// each slot,
//
//	u8      kind: 0 = a segment's secret follows
//	[32]    the secret
//
// and wrapped is nonce (12), ciphertext and tag (16) of AES-256-GCM under the
// KEK, with
//
//	"tidemark/1 key-page" | archive id (16) | page id (16) | generation (u32, big-endian)
//
// as additional data.

// pageAAD begins the additional data of a wrapped page.
const pageAAD = "tidemark/1 key-page"

// kindSecret is a slot that holds a segment's secret.
const kindSecret = 0

// slotSize is the length of a slot of kindSecret.
const slotSize = 1 + len(block.Secret{})

// firstGeneration is the generation of a page that lost no keys yet.
const firstGeneration = 1

// pageFile is the document of pages/<page>.keys.
type pageFile struct {
	Archive    names.ArchiveID `json:"archive"`
	Page       names.PageID    `json:"page"`
	Generation uint32          `json:"generation"`
	KEK        names.KEKID     `json:"kek"`
	Slots      int             `json:"slots"`
	Wrapped    []byte          `json:"wrapped"`
}

func (p *pageFile) aad() []byte {
	b := append([]byte(pageAAD), p.Archive[:]...)
	b = append(b, p.Page[:]...)
	return binary.BigEndian.AppendUint32(b, p.Generation)
}

// parsePage returns a page that is genuine and the one that is asked for, but
// still wrapped.
func parsePage(file []byte, trust *signed.Trust, id names.PageID) (*pageFile, error) {
	var p pageFile
	if err := signed.Open(file, signed.KindPage, trust, signed.RoleArchive, &p); err != nil {
		return nil, fmt.Errorf("key page %s: %w", id, err)
	}
	if err := p.validate(trust.Archive(), id); err != nil {
		return nil, fmt.Errorf("key page %s: %w", id, err)
	}
	return &p, nil
}

// validate applies the rules for what a page may say, before it is written
// and after it was read.
func (p *pageFile) validate(archive names.ArchiveID, page names.PageID) error {
	if p.Archive != archive {
		return fmt.Errorf("it belongs to archive %s, this is %s: %w", p.Archive, archive, signed.ErrSignature)
	}
	if p.Page != page {
		return fmt.Errorf("it is page %s: %w", p.Page, signed.ErrSignature)
	}
	if p.Generation < firstGeneration {
		return fmt.Errorf("generation %d: want %d or above", p.Generation, firstGeneration)
	}
	if p.Slots < 1 || p.Slots > MaxSlots {
		return fmt.Errorf("%d slots: want 1 to %d", p.Slots, MaxSlots)
	}
	return nil
}

// wrap fills in the slots. The plaintext is wiped before it returns.
func (p *pageFile) wrap(kek *key, secrets []block.Secret) error {
	p.Slots = len(secrets)
	plain := make([]byte, 0, slotSize*len(secrets))
	for i := range secrets {
		plain = append(append(plain, kindSecret), secrets[i][:]...)
	}
	defer clear(plain)
	var err error
	p.Wrapped, err = kek.seal(plain, p.aad())
	return err
}

// unwrap returns the secrets. It is ErrWrongKey if the KEK, the identity or
// the generation is not the one the slots were wrapped with.
func (p *pageFile) unwrap(kek *key) ([]block.Secret, error) {
	plain, err := kek.open(p.Wrapped, p.aad())
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return decodeSlots(plain, p.Slots)
}

func decodeSlots(plain []byte, n int) ([]block.Secret, error) {
	secrets := make([]block.Secret, 0, n)
	for i := range n {
		if len(plain) == 0 {
			return nil, fmt.Errorf("%d slots: want %d", i, n)
		}
		if plain[0] != kindSecret {
			return nil, fmt.Errorf("slot %d: kind %d is unknown to this version", i, plain[0])
		}
		if len(plain) < slotSize {
			return nil, fmt.Errorf("slot %d: cut short", i)
		}
		secrets = append(secrets, block.Secret(plain[1:slotSize]))
		plain = plain[slotSize:]
	}
	if len(plain) != 0 {
		return nil, fmt.Errorf("%d bytes after the last slot", len(plain))
	}
	return secrets, nil
}
