package signed

import (
	"crypto/ed25519"
	"fmt"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Role is what a key may sign for.
type Role string

// The roles of an archive. The root signs the other roles' keys and nothing
// else, so that it can stay offline.
const (
	RoleRoot       Role = "root"
	RoleArchive    Role = "archive"
	RoleErase      Role = "erase"
	RoleCheckpoint Role = "checkpoint"
)

// The kinds of signed documents. KindSegment is signed inside a segment.
const (
	KindIdentity    = "identity"
	KindSigner      = "signer"
	KindSegment     = "segment"
	KindGap         = "gap"
	KindPage        = "key-page"
	KindKEK         = "kek"
	KindTopicConfig = "topic-config"
	KindCatalogue   = "catalogue"
)

// Identity is the document of archive.json: who this archive is.
type Identity struct {
	Archive names.ArchiveID   `json:"archive"`
	Root    ed25519.PublicKey `json:"root_public_key"`
	Created time.Time         `json:"created"`
}

// Introduction is the document of signers/<signer>.json: the root vouches for
// a key and its role.
type Introduction struct {
	Archive names.ArchiveID   `json:"archive"`
	Role    Role              `json:"role"`
	Key     ed25519.PublicKey `json:"public_key"`
	Created time.Time         `json:"created"`
}

// Trust decides whose signature counts: the pinned root, and whoever the root
// introduced. It is safe for concurrent use.
type Trust struct {
	archive names.ArchiveID
	root    ed25519.PublicKey

	mu    sync.RWMutex
	known map[names.SignerID]Introduction
}

// NewTrust begins with the archive's id and root public key (32 bytes), both
// pinned by the configuration, never read from the archive itself.
func NewTrust(archive names.ArchiveID, root ed25519.PublicKey) (*Trust, error) {
	if len(root) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("root public key of %d bytes: want %d", len(root), ed25519.PublicKeySize)
	}
	return &Trust{archive: archive, root: root, known: map[names.SignerID]Introduction{}}, nil
}

// Archive returns the pinned id.
func (t *Trust) Archive() names.ArchiveID { return t.archive }

// Root returns the root's public key as it is pinned. It must not be changed.
func (t *Trust) Root() ed25519.PublicKey { return t.root }

// Introduce reads a signer file and, if the root signed it for this archive,
// trusts its key for its role from now on.
func (t *Trust) Introduce(file []byte) (names.SignerID, error) {
	var in Introduction
	if err := Open(file, KindSigner, t, RoleRoot, &in); err != nil {
		return names.SignerID{}, err
	}
	if err := t.check(in); err != nil {
		return names.SignerID{}, fmt.Errorf("open %s: %w", KindSigner, err)
	}
	id := IDOf(in.Key)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[id] = in
	return id, nil
}

func (t *Trust) check(in Introduction) error {
	if in.Archive != t.archive {
		return fmt.Errorf("it belongs to archive %s, this is %s: %w", in.Archive, t.archive, ErrSignature)
	}
	if len(in.Key) != ed25519.PublicKeySize {
		return fmt.Errorf("public key of %d bytes: want %d", len(in.Key), ed25519.PublicKeySize)
	}
	switch in.Role {
	case RoleArchive, RoleErase, RoleCheckpoint:
		return nil
	}
	return fmt.Errorf("role %q is unknown", in.Role)
}

// CheckIdentity reads archive.json and compares it with what is pinned.
func (t *Trust) CheckIdentity(file []byte) (Identity, error) {
	var id Identity
	if err := Open(file, KindIdentity, t, RoleRoot, &id); err != nil {
		return id, err
	}
	if id.Archive != t.archive || !id.Root.Equal(t.root) {
		return id, fmt.Errorf("open %s: archive %s is not the pinned %s: %w", names.Archive, id.Archive, t.archive, ErrSignature)
	}
	return id, nil
}

// UnknownSignerError says that a key was never introduced; the signer's file
// may yet be read from a region.
type UnknownSignerError struct{ Signer names.SignerID }

func (e *UnknownSignerError) Error() string {
	return fmt.Sprintf("signer %s was not introduced by the root", e.Signer)
}

// Unwrap makes every unknown signer an invalid signature.
func (e *UnknownSignerError) Unwrap() error { return ErrSignature }

// Verify checks a signature over a message of a kind, by a key that must be
// trusted for the role. Errors wrap ErrSignature.
func (t *Trust) Verify(role Role, signer names.SignerID, kind string, message, signature []byte) error {
	key, err := t.key(role, signer)
	if err != nil {
		return err
	}
	if len(signature) != ed25519.SignatureSize || !ed25519.Verify(key, covered(kind, message), signature) {
		return fmt.Errorf("signed by %s: %w", signer, ErrSignature)
	}
	return nil
}

func (t *Trust) key(role Role, signer names.SignerID) (ed25519.PublicKey, error) {
	if role == RoleRoot {
		if signer != IDOf(t.root) {
			return nil, fmt.Errorf("signer %s is not the pinned root: %w", signer, ErrSignature)
		}
		return t.root, nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	in, ok := t.known[signer]
	if !ok {
		return nil, &UnknownSignerError{Signer: signer}
	}
	if in.Role != role {
		return nil, fmt.Errorf("signer %s has role %q, not %q: %w", signer, in.Role, role, ErrSignature)
	}
	return in.Key, nil
}
