package segment

import (
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
)

// validate applies the rules of the footer of a segment whose header has
// headerSize bytes and whose footer begins at end. The writer applies it
// before it signs, the reader after it checked the signature.
func (t *Footer) validate(h Header, headerSize int, end uint64) error {
	if t.Next <= h.Base {
		return fmt.Errorf("footer: offsets [%d, %d): want base < next", h.Base, t.Next)
	}
	if len(t.Blocks) > maxBlocks {
		return fmt.Errorf("footer: %d blocks: want at most %d", len(t.Blocks), maxBlocks)
	}
	at, err := t.validateBlocks(h.Base, uint64(headerSize))
	if err != nil {
		return err
	}
	if at, err = t.validateFilters(at); err != nil {
		return err
	}
	if at != end {
		return fmt.Errorf("footer: it begins at byte %d, blocks and filters end at %d", end, at)
	}
	return t.validateSums()
}

func (t *Footer) validateBlocks(base int64, at uint64) (uint64, error) {
	for i := range t.Blocks {
		e := &t.Blocks[i]
		if e.Position != at {
			return 0, fmt.Errorf("block %d: begins at byte %d, what is before it ends at %d", i, e.Position, at)
		}
		if e.Base != base {
			return 0, fmt.Errorf("block %d: base offset %d, what is before it ends at %d", i, e.Base, base)
		}
		if err := e.validate(); err != nil {
			return 0, fmt.Errorf("block %d: %w", i, err)
		}
		at += uint64(e.Stored)
		base = e.Next
	}
	if len(t.Blocks) > 0 && base != t.Next {
		return 0, fmt.Errorf("footer: next offset %d, the last block ends at %d", t.Next, base)
	}
	return at, nil
}

// validate applies the rules of one entry that need no other.
func (e *BlockInfo) validate() error {
	if e.Next <= e.Base {
		return fmt.Errorf("offsets [%d, %d): want base < next", e.Base, e.Next)
	}
	if e.Batches == 0 {
		return errors.New("no batches: a block has at least one")
	}
	if e.Plain == 0 || e.Plain > block.MaxBody {
		return fmt.Errorf("body of %d bytes: want 1 to %d", e.Plain, block.MaxBody)
	}
	if !e.Compression.Known() {
		return fmt.Errorf("compression %d is unknown: %w", uint8(e.Compression), ErrVersion)
	}
	if e.Compression == block.None && uint64(e.Stored) != uint64(e.Plain)+block.Overhead {
		return fmt.Errorf("stored in %d bytes without compression: want %d", e.Stored, uint64(e.Plain)+block.Overhead)
	}
	if e.Compression != block.None && (e.Stored <= block.Overhead || uint64(e.Stored) >= uint64(e.Plain)+block.Overhead) {
		return fmt.Errorf("stored in %d bytes with %v: want fewer than %d", e.Stored, e.Compression, uint64(e.Plain)+block.Overhead)
	}
	if e.Records == 0 && (e.MaxTimestamp != NoTimestamp || e.MinTimestamp != NoTimestamp) {
		return fmt.Errorf("timestamps without records")
	}
	if e.MinTimestamp > e.MaxTimestamp {
		return fmt.Errorf("lowest timestamp %d is above the highest, %d", e.MinTimestamp, e.MaxTimestamp)
	}
	return nil
}

func (t *Footer) validateFilters(at uint64) (uint64, error) {
	for i := range t.Blocks {
		f := t.Blocks[i].Filter
		if f.Length == 0 {
			if f != (FilterInfo{}) {
				return 0, fmt.Errorf("block %d: a filter without length has a position or digest", i)
			}
			continue
		}
		if f.Position != at {
			return 0, fmt.Errorf("block %d: filter begins at byte %d, what is before it ends at %d", i, f.Position, at)
		}
		if f.Length <= block.Overhead || f.Length > block.MaxFilter+block.Overhead {
			return 0, fmt.Errorf("block %d: filter of %d bytes: want %d to %d", i, f.Length, block.Overhead+1, block.MaxFilter+block.Overhead)
		}
		at += uint64(f.Length)
	}
	return at, nil
}

func (t *Footer) validateSums() error {
	var batches, records, plain uint64
	for i := range t.Blocks {
		batches += uint64(t.Blocks[i].Batches)
		records += t.Blocks[i].Records
		plain += uint64(t.Blocks[i].Plain)
	}
	if batches != t.Batches {
		return fmt.Errorf("footer: %d batches, the blocks have %d", t.Batches, batches)
	}
	if records != t.Records {
		return fmt.Errorf("footer: %d records, the blocks have %d", t.Records, records)
	}
	if plain != t.Plain {
		return fmt.Errorf("footer: %d plain bytes, the blocks have %d", t.Plain, plain)
	}
	return nil
}

// nameOf is the name that a segment with this footer bears.
func nameOf(h Header, t *Footer, digest names.Digest) names.Range {
	return names.Range{Partition: h.PartitionName(), Base: h.Base, Next: t.Next, Digest: digest.Short(), Kind: names.KindSegment}
}
