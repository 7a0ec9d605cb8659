package index

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Entry is what is known of one object of a partition.
type Entry struct {
	// Range is the object's name, and the key of the entry.
	Range names.Range `json:"-"`
	// Copies says which regions were seen to hold the object.
	Copies []Copy `json:"copies"`
	// Digest is the object's own, Prev that of what ends where it begins.
	Digest names.Digest `json:"digest"`
	Prev   names.Digest `json:"prev"`
	// Records is how many records the object holds.
	Records int64 `json:"records"`
	// MinTimestamp and MaxTimestamp are those of its records, in milliseconds
	// since 1970.
	MinTimestamp int64 `json:"min_timestamp"`
	MaxTimestamp int64 `json:"max_timestamp"`
	// Blocks is the block table of the footer with its sealed filters, byte
	// for byte. It is left out above MaxBlocks: read the footer then.
	Blocks []byte `json:"-"`
}

// Copy is one region's copy of an object, as it was when it was verified.
type Copy struct {
	Region string `json:"region"`
	// Size is in bytes, CRC32C (Castagnoli) is of the whole object.
	Size   int64  `json:"size"`
	CRC32C uint32 `json:"crc32c"`
	// HasPage tells that the region held the key page too; without it the
	// copy does not count.
	HasPage bool `json:"has_page"`
}

// In returns the copy of a region.
func (e *Entry) In(region string) (Copy, bool) {
	i := slices.IndexFunc(e.Copies, func(c Copy) bool { return c.Region == region })
	if i < 0 {
		return Copy{}, false
	}
	return e.Copies[i], true
}

// validate applies the rules for an entry before it is written and after it
// was read.
func (e *Entry) validate() error {
	if err := e.Range.Validate(); err != nil {
		return err
	}
	if e.Range.Digest != e.Digest.Short() {
		return fmt.Errorf("digest %s is not the name's %s", e.Digest.Short(), e.Range.Digest)
	}
	if e.Records < 0 {
		return fmt.Errorf("%d records", e.Records)
	}
	if len(e.Copies) > maxCopies {
		return fmt.Errorf("%d copies: at most %d", len(e.Copies), maxCopies)
	}
	for i, c := range e.Copies {
		if c.Region == "" || c.Size < 0 {
			return fmt.Errorf("copy in region %q of %d bytes", c.Region, c.Size)
		}
		if first, _ := e.In(c.Region); first != e.Copies[i] {
			return fmt.Errorf("two copies in region %q", c.Region)
		}
	}
	return nil
}

// merge adds the copies of an older entry in regions that e does not speak of.
func (e *Entry) merge(old *Entry) {
	for _, c := range old.Copies {
		if _, known := e.In(c.Region); !known {
			e.Copies = append(e.Copies, c)
		}
	}
	if len(e.Blocks) == 0 {
		e.Blocks = old.Blocks
	}
}

// A value is
//
//	u32   CRC-32C of the key and of all that follows, big-endian
//	u32   length of the JSON, big-endian
//	JSON  the entry
//	...   the block table
//
// The checksum covers the key, so that a value under a wrong key is noticed.
const valueHead = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(key string, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(key), castagnoli), castagnoli, rest)
}

func (e *Entry) encode() ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	v := make([]byte, valueHead, valueHead+len(text)+len(e.Blocks))
	binary.BigEndian.PutUint32(v[4:], uint32(len(text)))
	v = append(v, text...)
	if len(e.Blocks) <= MaxBlocks {
		v = append(v, e.Blocks...)
	}
	binary.BigEndian.PutUint32(v, sum(e.Range.String(), v[4:]))
	return v, nil
}

// decode reads a value that encode wrote. Every error wraps ErrDamaged.
func decode(key string, v []byte) (*Entry, error) {
	e, err := parse(key, v)
	if err != nil {
		return nil, fmt.Errorf("entry %q: %w: %w", key, ErrDamaged, err)
	}
	return e, nil
}

func parse(key string, v []byte) (*Entry, error) {
	if len(v) < valueHead || binary.BigEndian.Uint32(v) != sum(key, v[4:]) {
		return nil, errors.New("checksum does not match")
	}
	n := uint64(binary.BigEndian.Uint32(v[4:]))
	if n > uint64(len(v)-valueHead) {
		return nil, errors.New("cut short")
	}
	var e Entry
	if err := json.Unmarshal(v[valueHead:valueHead+n], &e); err != nil {
		return nil, err
	}
	e.Blocks = slices.Clone(v[valueHead+n:])
	var err error
	if e.Range, err = names.ParseRange(key); err != nil {
		return nil, err
	}
	return &e, e.validate()
}

// Tails have keys of their own, "tail/<region>\x00<partition>". No object's
// name begins so.
func tailKey(p names.Partition, region string) (string, error) {
	if region == "" || strings.ContainsRune(region, 0) {
		return "", fmt.Errorf("region %q: want a name", region)
	}
	return "tail/" + region + "\x00" + p.String(), nil
}

// A tail's value is the CRC-32C of its key and offset, and the offset.
func encodeTail(key string, offset int64) []byte {
	rest := binary.BigEndian.AppendUint64(nil, uint64(offset))
	return append(binary.BigEndian.AppendUint32(nil, sum(key, rest)), rest...)
}

func decodeTail(key string, v []byte) (int64, error) {
	if len(v) != 12 || binary.BigEndian.Uint32(v) != sum(key, v[4:]) {
		return 0, fmt.Errorf("tail %q: %w", key, ErrDamaged)
	}
	return int64(binary.BigEndian.Uint64(v[4:])), nil
}
