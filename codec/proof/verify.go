package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Proven is what a proof proves: that an archiver, whom the root of the archive
// introduced, signed this record at this place.
type Proven struct {
	Archive   names.ArchiveID
	Partition names.Partition
	// Record is a copy. Its timestamp is the broker's where LogAppendTime says so.
	Record        recordbatch.Record
	LogAppendTime bool
	// Segment is the object's name, Digest the whole digest of its footer, Block
	// the number of the block, Others how many other records it discloses.
	Segment names.Range
	Digest  names.Digest
	Block   int
	Others  uint64
	// Created is when the archiver began the segment, by its own clock.
	Created time.Time
	// Signer signed the segment; the root introduced it at SignerSince.
	Signer      names.SignerID
	SignerSince time.Time
}

// Sum returns the SHA-256 of a key or value; false if it is null.
func Sum(b []byte) (names.Digest, bool) { return sha256.Sum256(b), b != nil }

// ErrNoRecord means that everything is sound, and the offset is of no record.
var ErrNoRecord = errors.New("the block has no record at this offset")

// Verify checks a proof by nothing but its bytes and what is pinned: the
// archive's id and the root's public key. Errors wrap ErrDamaged,
// segment.ErrDamaged, segment.ErrWrongKey, segment.ErrVersion,
// signed.ErrSignature or ErrNoRecord.
func Verify(file []byte, archive names.ArchiveID, root ed25519.PublicKey) (*Proven, error) {
	p, err := verify(file, archive, root)
	if err != nil {
		return nil, fmt.Errorf("verify proof: %w", err)
	}
	return p, nil
}

func verify(file []byte, archive names.ArchiveID, root ed25519.PublicKey) (*Proven, error) {
	parts, err := decode(file)
	if err != nil {
		return nil, err
	}
	trust, err := signed.NewTrust(archive, root)
	if err != nil {
		return nil, err
	}
	signer, err := introduce(trust, parts.Signer)
	if err != nil {
		return nil, err
	}
	s, err := segment.OpenTail(parts.Tail, parts.Size, trust)
	if err != nil {
		return nil, err
	}
	if n := s.TailSize(); n != len(parts.Tail) {
		return nil, fmt.Errorf("%d bytes stand where footer and trailer have %d: %w", len(parts.Tail), n, ErrDamaged)
	}
	body, err := s.OpenSealed(parts.Block, parts.Key, parts.Sealed)
	if err != nil {
		return nil, err
	}
	e := s.Footer().Blocks[parts.Block]
	out := &Proven{
		Archive: archive, Partition: s.Header().PartitionName(), Segment: s.Name(), Digest: s.Digest(), Block: parts.Block,
		Others: e.Records - 1, Created: s.Header().Created, Signer: s.Signer(), SignerSince: signer.Created,
	}
	if parts.Offset < e.Base || parts.Offset >= e.Next {
		return nil, fmt.Errorf("offset %d is not in the block [%d, %d): %w", parts.Offset, e.Base, e.Next, ErrNoRecord)
	}
	return out, out.find(body, parts.Offset)
}

// introduce makes the one signer known that the proof brings.
func introduce(trust *signed.Trust, file []byte) (in signed.Introduction, err error) {
	if _, err := trust.Introduce(file); err != nil {
		return in, err
	}
	err = signed.Open(file, signed.KindSigner, trust, signed.RoleRoot, &in)
	return in, err
}

// find looks the record up in the body of its block.
func (p *Proven) find(body []byte, offset int64) error {
	d := recordbatch.NewDecoder(0)
	for b, err := range recordbatch.All(body) {
		if err != nil {
			return err
		}
		if b.IsControl() || offset < b.BaseOffset || offset >= b.NextOffset() {
			continue
		}
		for rec, err := range d.Records(b.Bytes) {
			if err != nil {
				return err
			}
			if rec.Offset == offset {
				p.Record, p.LogAppendTime = clone(rec), b.LogAppendTime()
				return nil
			}
		}
	}
	return fmt.Errorf("offset %d: %w", offset, ErrNoRecord)
}

// clone copies a record, so that it outlives the decoder.
func clone(r recordbatch.Record) recordbatch.Record {
	r.Key, r.Value, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
	for i, h := range r.Headers {
		r.Headers[i] = recordbatch.RecordHeader{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	return r
}
