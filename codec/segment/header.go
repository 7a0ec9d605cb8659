package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

const (
	headerMagic   = "TIDEMARK"
	formatVersion = 1

	// headerFixed is the length of a header without the topic's name.
	headerFixed = 122
)

// algorithm is the number of the only one of each sort in version 1:
// AES-256-GCM with a random nonce, HKDF-SHA256, SHA-256 and Ed25519.
const algorithm = 1

var algorithmNames = [...]string{"cipher", "key derivation", "hash", "signature"}

// Header says what a segment is. It is fixed before the first batch, and
// nothing in it depends on a key.
type Header struct {
	Archive names.ArchiveID
	// Topic is the name the topic had; Lineage is what it was.
	Topic   string
	Lineage names.Lineage
	// Parent is the branch that Lineage.Branch branched from, RootBranch when
	// that is the root or when there is none.
	Parent    int32
	Partition int32
	// Base is the first offset the segment covers, 0 or above.
	Base int64
	// Page and Slot are where the segment's secret is.
	Page names.PageID
	Slot uint16
	// Writer is random, made once by each process.
	Writer [16]byte
	// Created is when the writer began, in whole milliseconds of UTC.
	Created time.Time
	// RetainUntil is before when no copy may be deleted, in whole milliseconds
	// of UTC; zero when there is no such date.
	RetainUntil time.Time
}

// PartitionName returns the partition the segment belongs to.
func (h Header) PartitionName() names.Partition {
	return names.Partition{Topic: h.Topic, Lineage: h.Lineage, Number: h.Partition}
}

// validate has one if and one message for each rule.
func (h Header) validate() error {
	if err := names.CheckTopic(h.Topic); err != nil {
		return err
	}
	if h.Lineage.Branch < names.RootBranch {
		return fmt.Errorf("branch %d: want %d or a leader epoch", h.Lineage.Branch, names.RootBranch)
	}
	if h.Parent < names.RootBranch {
		return fmt.Errorf("parent branch %d: want %d or a leader epoch", h.Parent, names.RootBranch)
	}
	if h.Lineage.Branch == names.RootBranch && h.Parent != names.RootBranch {
		return fmt.Errorf("parent branch %d: the root has none", h.Parent)
	}
	if h.Lineage.Branch != names.RootBranch && h.Parent == h.Lineage.Branch {
		return fmt.Errorf("parent branch %d is the branch itself", h.Parent)
	}
	if h.Partition < 0 {
		return fmt.Errorf("partition %d is below 0", h.Partition)
	}
	if h.Base < 0 {
		return fmt.Errorf("base offset %d is below 0", h.Base)
	}
	if h.Created.UnixMilli() <= 0 {
		return fmt.Errorf("creation time %s is not after 1970", h.Created.UTC().Format(time.RFC3339))
	}
	if millis(h.RetainUntil) < 0 {
		return fmt.Errorf("retention date %s is before 1970", h.RetainUntil.UTC().Format(time.RFC3339))
	}
	return nil
}

// appendTo appends the encoded header.
func (h Header) appendTo(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, headerMagic...)
	b = be.AppendUint16(b, formatVersion)
	b = be.AppendUint32(b, uint32(headerFixed+len(h.Topic)))
	b = append(b, algorithm, algorithm, algorithm, algorithm)
	b = append(b, h.Archive[:]...)
	b = append(b, h.Lineage.Topic[:]...)
	b = be.AppendUint32(b, uint32(h.Lineage.Branch))
	b = be.AppendUint32(b, uint32(h.Parent))
	b = be.AppendUint32(b, uint32(h.Partition))
	b = be.AppendUint64(b, uint64(h.Base))
	b = append(b, h.Page[:]...)
	b = be.AppendUint16(b, h.Slot)
	b = append(b, h.Writer[:]...)
	b = be.AppendUint64(b, uint64(millis(h.Created)))
	b = be.AppendUint64(b, uint64(millis(h.RetainUntil)))
	b = be.AppendUint16(b, uint16(len(h.Topic)))
	return append(b, h.Topic...)
}

// decodeHeader reads the header at the start of b and returns its bytes.
func decodeHeader(b []byte) (Header, []byte, error) {
	raw, err := cutHeader(b)
	if err != nil {
		return Header{}, nil, err
	}
	f := fields{b: raw[headerAlgorithms:]}
	var h Header
	for _, name := range algorithmNames {
		if a := f.u8(); a != algorithm {
			return Header{}, nil, fmt.Errorf("header: %s algorithm %d is unknown: %w", name, a, ErrVersion)
		}
	}
	f.bytes(h.Archive[:])
	f.bytes(h.Lineage.Topic[:])
	h.Lineage.Branch = int32(f.u32())
	h.Parent = int32(f.u32())
	h.Partition = int32(f.u32())
	h.Base = int64(f.u64())
	f.bytes(h.Page[:])
	h.Slot = f.u16()
	f.bytes(h.Writer[:])
	h.Created = moment(int64(f.u64()))
	h.RetainUntil = moment(int64(f.u64()))
	h.Topic = string(f.take(int(f.u16())))
	if f.short || len(f.b) != 0 {
		return Header{}, nil, damaged("header: its length %d does not fit its topic name", len(raw))
	}
	if err := h.validate(); err != nil {
		return Header{}, nil, damaged("header: %v", err)
	}
	return h, raw, nil
}

// headerAlgorithms is where the algorithms stand, behind magic, version and
// length.
const headerAlgorithms = len(headerMagic) + 2 + 4

// cutHeader applies the rules that hold for every version of the format.
func cutHeader(b []byte) ([]byte, error) {
	f := fields{b: b}
	magic := string(f.take(len(headerMagic)))
	version := f.u16()
	length := f.u32()
	if f.short || magic != headerMagic {
		return nil, damaged("header: does not begin with %q", headerMagic)
	}
	if version != formatVersion {
		return nil, fmt.Errorf("header: format version %d is unknown, this program knows %d: %w", version, formatVersion, ErrVersion)
	}
	if length < headerFixed || length > maxHeader || int(length) > len(b) {
		return nil, damaged("header: length %d: want %d to %d", length, headerFixed, min(maxHeader, len(b)))
	}
	return b[:length:length], nil
}

// digestOf is the SHA-256 that binds every block to its header.
func digestOf(header []byte) names.Digest { return sha256.Sum256(header) }

// millis is the time in the format, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
