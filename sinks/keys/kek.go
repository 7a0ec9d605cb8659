package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// kekFile is the document of kek/<id>.json. Wrapped is what the region's own
// KMS made of the 32 bytes of the key.
type kekFile struct {
	Archive names.ArchiveID `json:"archive"`
	KEK     names.KEKID     `json:"kek"`
	Created time.Time       `json:"created"`
	KMS     string          `json:"kms"`
	Wrapped []byte          `json:"wrapped"`
}

// kek is an unwrapped key-encryption key.
type kek struct {
	id      names.KEKID
	created time.Time
	key     key
}

// Format prints the id, whatever the verb.
func (k *kek) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "KEK "+k.id.String()) }

func newKEK(now time.Time) *kek {
	k := &kek{created: now.UTC().Truncate(time.Second), key: newKey()}
	_, _ = rand.Read(k.id[:])
	return k
}

// readKEK returns the file of a KEK in this region, verified but still
// wrapped.
func (r *Region) readKEK(ctx context.Context, trust *signed.Trust, id names.KEKID) (*kekFile, error) {
	file, err := r.get(ctx, names.KEK(id))
	if err != nil {
		return nil, err
	}
	return r.parseKEK(file, trust, id)
}

func (r *Region) parseKEK(file []byte, trust *signed.Trust, id names.KEKID) (*kekFile, error) {
	var doc kekFile
	if err := signed.Open(file, signed.KindKEK, trust, signed.RoleArchive, &doc); err != nil {
		return nil, fmt.Errorf("read %s of region %s: %w", names.KEK(id), r.Name, err)
	}
	if doc.Archive != trust.Archive() || doc.KEK != id {
		return nil, fmt.Errorf("read %s of region %s: it is KEK %s of archive %s: %w",
			names.KEK(id), r.Name, doc.KEK, doc.Archive, signed.ErrSignature)
	}
	return &doc, nil
}

// openKEK asks the region's KMS for the key in a file.
func (r *Region) openKEK(ctx context.Context, doc *kekFile) (*kek, error) {
	plain, err := r.decrypt(ctx, doc.Wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap KEK %s, wrapped by %s: %w", doc.KEK, doc.KMS, err)
	}
	defer clear(plain)
	k := &kek{id: doc.KEK, created: doc.Created}
	if len(plain) != len(k.key) {
		return nil, fmt.Errorf("unwrap KEK %s: %d bytes: %w", doc.KEK, len(plain), ErrWrongKey)
	}
	copy(k.key[:], plain)
	return k, nil
}

func (r *Region) decrypt(ctx context.Context, sealed []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kmsWait)
	defer cancel()
	plain, err := r.Keeper.Decrypt(ctx, sealed)
	if err != nil {
		return nil, r.kmsError(err, ErrWrongKey)
	}
	return plain, nil
}

// sealKEK makes the file of a KEK for this region. It asks the KMS to undo
// what it just did: a key that may encrypt and not decrypt would make an
// archive that nobody can read, found out years later.
func (r *Region) sealKEK(ctx context.Context, signer *signed.Signer, archive names.ArchiveID, k *kek) ([]byte, error) {
	wrapped, err := r.encrypt(ctx, k.key[:])
	if err != nil {
		return nil, fmt.Errorf("wrap KEK %s: %w", k.id, err)
	}
	doc := kekFile{Archive: archive, KEK: k.id, Created: k.created, KMS: r.kmsName(), Wrapped: wrapped}
	back, err := r.openKEK(ctx, &doc)
	if err != nil {
		return nil, fmt.Errorf("check what was wrapped: %w", err)
	}
	if back.key != k.key {
		return nil, fmt.Errorf("check what was wrapped: KEK %s came back as another key: %w", k.id, ErrWrongKey)
	}
	return signer.Seal(signed.KindKEK, doc)
}

func (r *Region) encrypt(ctx context.Context, plain []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kmsWait)
	defer cancel()
	sealed, err := r.Keeper.Encrypt(ctx, plain)
	if err != nil {
		return nil, r.kmsError(err, ErrKeyDisabled)
	}
	if len(sealed) == 0 {
		return nil, r.kmsError(errors.New("empty answer"), ErrKeyDisabled)
	}
	return sealed, nil
}
