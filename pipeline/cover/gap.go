package cover

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Gap says which offsets an archiver could not keep, and why. It is signed and
// write-once like a segment, and yields to any segment that holds the offsets
// after all.
type Gap struct {
	Archive   names.ArchiveID
	Partition names.Partition
	// Base and Next are the offsets that are missing, [Base, Next).
	Base, Next int64
	// Reason is for people: "retention", "deleted records".
	Reason string
	// At is when it was noticed.
	At time.Time
	// Prev is the digest of what ends at Base, zero when nothing is known to.
	Prev names.Digest
}

// gapFile is the document in a .gap file.
type gapFile struct {
	Archive   names.ArchiveID `json:"archive"`
	Topic     string          `json:"topic"`
	Lineage   names.Lineage   `json:"lineage"`
	Partition int32           `json:"partition"`
	Base      int64           `json:"base"`
	Next      int64           `json:"next"`
	Reason    string          `json:"reason"`
	At        time.Time       `json:"at"`
	Prev      names.Digest    `json:"prev"`
}

// SealGap signs a gap and returns the object: its name, the digest that what
// follows names as its predecessor (the SHA-256 of the file), and its bytes.
func SealGap(s *signed.Signer, g Gap) (names.Range, names.Digest, []byte, error) {
	r := names.Range{Partition: g.Partition, Base: g.Base, Next: g.Next, Kind: names.KindGap}
	if err := r.Validate(); err != nil {
		return r, names.Digest{}, nil, fmt.Errorf("seal gap: %w", err)
	}
	file, err := s.Seal(signed.KindGap, gapFile{
		g.Archive, g.Partition.Topic, g.Partition.Lineage, g.Partition.Number, g.Base, g.Next, g.Reason, g.At.UTC(), g.Prev,
	})
	if err != nil {
		return r, names.Digest{}, nil, fmt.Errorf("seal gap: %w", err)
	}
	digest := names.Digest(sha256.Sum256(file))
	r.Digest = digest.Short()
	return r, digest, file, nil
}

// OpenGap reads a gap that was found under a name. Errors wrap
// signed.ErrSignature, segment.ErrName or segment.ErrDamaged.
func OpenGap(r names.Range, file []byte, t *signed.Trust) (Gap, names.Digest, error) {
	digest := names.Digest(sha256.Sum256(file))
	var f gapFile
	if err := signed.Open(file, signed.KindGap, t, signed.RoleArchive, &f); err != nil {
		if !errors.Is(err, signed.ErrSignature) {
			err = damaged("%v", err)
		}
		return Gap{}, digest, err
	}
	if f.Archive != t.Archive() {
		return Gap{}, digest, fmt.Errorf("gap belongs to archive %s, this is %s: %w", f.Archive, t.Archive(), signed.ErrSignature)
	}
	g := Gap{f.Archive, names.Partition{Topic: f.Topic, Lineage: f.Lineage, Number: f.Partition}, f.Base, f.Next, f.Reason, f.At, f.Prev}
	own := names.Range{Partition: g.Partition, Base: g.Base, Next: g.Next, Digest: digest.Short(), Kind: names.KindGap}
	if own != r {
		return Gap{}, digest, misnamed(r, own)
	}
	return g, digest, nil
}
