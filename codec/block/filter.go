package block

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/FastFilter/xorfilter"
	"github.com/dchest/siphash"
)

// The first byte of a filter says what it is.
const (
	filterEmpty = 0 // no record has a key; nothing follows
	filterFuse8 = 1 // binary fuse filter with fingerprints of 8 bits

	filterFields = 2 // the fields it covers follow, then a filter of the kinds above
)

// fuseHead is what stands before the fingerprints: kind, seed, segment length
// and segment count.
const fuseHead = 1 + 8 + 4 + 4

// maxFuseSegment is the longest segment of a binary fuse filter.
const maxFuseSegment = 1 << 18

// Hash spreads a record key for the filter: SipHash-2-4 under a key that only
// who may open the block has.
func (k *Keys) Hash(key []byte) uint64 { return siphash.Hash(k.k0, k.k1, key) }

// FilterBuilder makes filters, one at a time. The zero value is ready; it
// keeps its buffers, so it is not safe for concurrent use.
type FilterBuilder struct {
	fuse xorfilter.BinaryFuseBuilder
	set  []uint32
}

// Build appends to dst the filter over a block's hashes of record keys. It
// reorders hashes and removes duplicates in place. ok is false, and dst
// unchanged, when there are too many for a filter.
func (b *FilterBuilder) Build(dst []byte, hashes []uint64) (_ []byte, ok bool, err error) {
	hashes = b.distinct(hashes)
	if len(hashes) == 0 {
		return append(dst, filterEmpty), true, nil
	}
	if len(hashes) > maxHashes {
		return dst, false, nil
	}
	f, err := xorfilter.BuildBinaryFuse[uint8](&b.fuse, hashes)
	if err != nil {
		return dst, false, fmt.Errorf("build filter over %d keys: %w", len(hashes), err)
	}
	dst = append(dst, filterFuse8)
	dst = binary.BigEndian.AppendUint64(dst, f.Seed)
	dst = binary.BigEndian.AppendUint32(dst, f.SegmentLength)
	dst = binary.BigEndian.AppendUint32(dst, f.SegmentCount)
	return append(dst, f.Fingerprints...), true, nil
}

// distinct keeps the first of equal hashes. The builder of the filter fails
// on many equal ones, and sorting takes longer than building; this is an open
// table of positions, a third full at most, and hashes are already spread.
func (b *FilterBuilder) distinct(hashes []uint64) []uint64 {
	size := 1 << bits.Len(uint(3*len(hashes)))
	if cap(b.set) < size {
		b.set = make([]uint32, size)
	}
	set := b.set[:size]
	clear(set)
	kept := hashes[:0]
	for _, h := range hashes {
		i := h & uint64(size-1)
		for set[i] != 0 && kept[set[i]-1] != h {
			i = (i + 1) & uint64(size-1)
		}
		if set[i] == 0 {
			kept = append(kept, h)
			set[i] = uint32(len(kept))
		}
	}
	return kept
}

// Memory is how many bytes the builder keeps for its set of keys.
func (b *FilterBuilder) Memory() int { return 4 * cap(b.set) }

// Filter answers whether a block may hold a record key. A nil Filter is that
// of a block without one: it says maybe to every key.
type Filter struct {
	keys   *Keys
	fuse   *xorfilter.BinaryFuse[uint8] // nil: no record of the block has a key
	fields []FieldID                    // covered, beside the record keys
}

// ParseFilter reads an opened filter. The keys are those of its block.
func (k *Keys) ParseFilter(b []byte) (*Filter, error) {
	ids, b, err := cutFields(b)
	if err != nil {
		return nil, err
	}
	if len(b) == 1 && b[0] == filterEmpty {
		return &Filter{keys: k, fields: ids}, nil
	}
	if len(b) < fuseHead {
		return nil, fmt.Errorf("filter of %d bytes is cut short: %w", len(b), ErrDamaged)
	}
	if b[0] != filterFuse8 {
		return nil, fmt.Errorf("filter is of kind %d, which is unknown: %w", b[0], ErrDamaged)
	}
	fuse, err := parseFuse(b)
	if err != nil {
		return nil, err
	}
	return &Filter{keys: k, fuse: fuse, fields: ids}, nil
}

func parseFuse(b []byte) (*xorfilter.BinaryFuse[uint8], error) {
	length, count := binary.BigEndian.Uint32(b[9:]), binary.BigEndian.Uint32(b[13:])
	prints := b[fuseHead:]
	if length == 0 || length&(length-1) != 0 || length > maxFuseSegment {
		return nil, fmt.Errorf("filter has segments of %d: want a power of two up to %d: %w", length, maxFuseSegment, ErrDamaged)
	}
	if count == 0 || (uint64(count)+2)*uint64(length) != uint64(len(prints)) {
		return nil, fmt.Errorf("filter has %d fingerprints: want %d segments and 2 of %d: %w", len(prints), count, length, ErrDamaged)
	}
	return &xorfilter.BinaryFuse[uint8]{
		Seed:               binary.BigEndian.Uint64(b[1:]),
		SegmentLength:      length,
		SegmentLengthMask:  length - 1,
		SegmentCount:       count,
		SegmentCountLength: count * length,
		Fingerprints:       prints,
	}, nil
}

// Contains reports whether a record of the block may have this key. False is
// certain; true is wrong for one key in 256. A null key is in no filter, so
// asking for one is always answered with true.
func (f *Filter) Contains(key []byte) bool {
	if f == nil || key == nil {
		return true
	}
	return f.fuse != nil && f.fuse.Contains(f.keys.Hash(key))
}
