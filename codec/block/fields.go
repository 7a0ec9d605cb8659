package block

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/dchest/siphash"
)

// FieldID stands for a rule by which a field is read from record values: for
// the paths it is read at, not for its name. A filter tells which rules it was
// made by, so that it is never asked about another.
type FieldID [8]byte

// FieldKey hashes the values of one field for the filter of one block. It is
// not that of the record keys: a value never passes for a key.
type FieldKey struct{ k0, k1 uint64 }

// Field derives the key for the values of a field.
func (k *Keys) Field(id FieldID) (FieldKey, error) {
	b, err := hkdf.Expand(sha256.New, k.block[:], labelField+string(id[:]), 16)
	if err != nil {
		return FieldKey{}, fmt.Errorf("derive %q: %w", labelField, err)
	}
	return FieldKey{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}, nil
}

// Hash spreads a value for the filter, as Keys.Hash does a record key.
func (k FieldKey) Hash(value []byte) uint64 { return siphash.Hash(k.k0, k.k1, value) }

// CheckFields applies the rules of what a filter covers: ascending, each once,
// at most MaxFields.
func CheckFields(ids []FieldID) error {
	if len(ids) > MaxFields {
		return fmt.Errorf("%d fields: want at most %d", len(ids), MaxFields)
	}
	for i := 1; i < len(ids); i++ {
		if bytes.Compare(ids[i-1][:], ids[i][:]) >= 0 {
			return errors.New("fields are not in order, or one is there twice")
		}
	}
	return nil
}

// BuildCovering is Build with the hashes of the values of some fields among
// those of the record keys: those of every record of the block that has the
// field. Without a field it is Build.
func (b *FilterBuilder) BuildCovering(dst []byte, ids []FieldID, hashes []uint64) (_ []byte, ok bool, err error) {
	from := len(dst)
	if len(ids) > 0 {
		dst = append(dst, filterFields, byte(len(ids)))
		for _, id := range ids {
			dst = append(dst, id[:]...)
		}
	}
	dst, ok, err = b.Build(dst, hashes)
	if !ok || err != nil {
		dst = dst[:from]
	}
	return dst, ok, err
}

// cutFields takes what a filter covers off its front.
func cutFields(b []byte) (ids []FieldID, rest []byte, err error) {
	if len(b) == 0 || b[0] != filterFields {
		return nil, b, nil
	}
	if len(b) < 2 || b[1] == 0 || len(b) < 2+int(b[1])*len(FieldID{}) {
		return nil, nil, fmt.Errorf("filter over fields is cut short: %w", ErrDamaged)
	}
	n := int(b[1])
	rest = b[2:]
	for range n {
		ids = append(ids, FieldID(rest[:8]))
		rest = rest[8:]
	}
	if err := CheckFields(ids); err != nil {
		return nil, nil, fmt.Errorf("filter: %w: %w", err, ErrDamaged)
	}
	return ids, rest, nil
}

// FieldFilter answers whether a block may hold a value of one field. A nil
// FieldFilter says maybe to every value.
type FieldFilter struct {
	key    FieldKey
	filter *Filter
}

// Fields returns what the filter covers beside the record keys.
func (f *Filter) Fields() []FieldID {
	if f == nil {
		return nil
	}
	return f.fields
}

// Field returns the filter over the values of a field; nil, which says maybe,
// if the filter does not cover it.
func (f *Filter) Field(id FieldID) *FieldFilter {
	if !slices.Contains(f.Fields(), id) {
		return nil
	}
	key, err := f.keys.Field(id)
	if err != nil {
		return nil
	}
	return &FieldFilter{key, f}
}

// Contains reports whether a record of the block may have this value in the
// field. False is certain; true is wrong for one value in 256.
func (f *FieldFilter) Contains(value []byte) bool {
	return f == nil || f.filter.fuse != nil && f.filter.fuse.Contains(f.key.Hash(value))
}
