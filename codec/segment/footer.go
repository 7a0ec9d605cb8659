package segment

import (
	"encoding/binary"
	"math"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
)

const (
	// footerFixed is the length of a footer without the header's copy and the
	// entries of the blocks.
	footerFixed = 8 + 32 + 4 + 4 + 8 + 8 + 8

	// entrySize is the length of the entry of one block.
	entrySize = 170
)

// Footer is what a segment says about its blocks.
type Footer struct {
	// Next is the offset after the last one the segment covers.
	Next int64
	// Prev is the digest of a segment or gap that ends where this one begins;
	// zero when the writer knew of none.
	Prev names.Digest
	// BodyCRC is the CRC-32C of all bytes before the footer.
	BodyCRC uint32
	// Batches, Records and Plain are the sums over the blocks; Plain is in
	// bytes, before compression. Records counts control records too.
	Batches, Records, Plain uint64
	Blocks                  []BlockInfo
}

// BlockInfo is the entry of one block.
type BlockInfo struct {
	// Position is where the sealed body begins, Stored its length, Plain the
	// length of the batches; all in bytes.
	Position uint64
	Stored   uint32
	Plain    uint32
	// Base and Next are the offsets the block covers, [Base, Next). Only the
	// first batch of a segment may begin below its block's Base.
	Base, Next int64
	Batches    uint32
	Records    uint64
	// MaxTimestamp and MinTimestamp are the highest and the lowest timestamp
	// of the block's records in ms. The highest is NoTimestamp when there is no
	// record. The lowest is NoTimestamp when batch headers do not tell it: they
	// do for LogAppendTime and for batches of one record.
	MaxTimestamp, MinTimestamp int64
	Compression                block.Compression
	// Transactional and Control say that there is such a batch in the block.
	Transactional, Control bool
	// SHA256 is that of the sealed body.
	SHA256 names.Digest
	// Commitment is that of the block's key.
	Commitment names.Digest
	Filter     FilterInfo
}

// FilterInfo is where the filter of a block is. Its Length is 0 when there is
// none, and then everything is.
type FilterInfo struct {
	Position uint64
	Length   uint32
	SHA256   names.Digest
}

const (
	flagTransactional = 1 << iota
	flagControl
	flagsKnown = flagTransactional | flagControl
)

// appendTo appends the encoded footer; header is the encoded header.
func (t *Footer) appendTo(b, header []byte) []byte {
	be := binary.BigEndian
	b = append(b, header...)
	b = be.AppendUint64(b, uint64(t.Next))
	b = append(b, t.Prev[:]...)
	b = be.AppendUint32(b, t.BodyCRC)
	b = be.AppendUint32(b, uint32(len(t.Blocks)))
	b = be.AppendUint64(b, t.Batches)
	b = be.AppendUint64(b, t.Records)
	b = be.AppendUint64(b, t.Plain)
	for i := range t.Blocks {
		b = t.Blocks[i].appendTo(b)
	}
	return b
}

func (e *BlockInfo) appendTo(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint64(b, e.Position)
	b = be.AppendUint32(b, e.Stored)
	b = be.AppendUint32(b, e.Plain)
	b = be.AppendUint64(b, uint64(e.Base))
	b = be.AppendUint64(b, uint64(e.Next))
	b = be.AppendUint32(b, e.Batches)
	b = be.AppendUint64(b, e.Records)
	b = be.AppendUint64(b, uint64(e.MaxTimestamp))
	b = be.AppendUint64(b, uint64(e.MinTimestamp))
	b = append(b, byte(e.Compression), e.flags())
	b = append(b, e.SHA256[:]...)
	b = append(b, e.Commitment[:]...)
	b = be.AppendUint64(b, e.Filter.Position)
	b = be.AppendUint32(b, e.Filter.Length)
	return append(b, e.Filter.SHA256[:]...)
}

func (e *BlockInfo) flags() byte {
	var f byte
	if e.Transactional {
		f |= flagTransactional
	}
	if e.Control {
		f |= flagControl
	}
	return f
}

// decodeFooter reads what follows the header's copy. It gives the fields as
// they are; validate judges them.
func decodeFooter(b []byte) (*Footer, error) {
	f := fields{b: b}
	t := &Footer{Next: int64(f.u64())}
	f.bytes(t.Prev[:])
	t.BodyCRC = f.u32()
	count := f.u32()
	t.Batches, t.Records, t.Plain = f.u64(), f.u64(), f.u64()
	if f.short || count > maxBlocks || int(count)*entrySize != len(f.b) {
		return nil, damaged("footer: %d bytes do not fit %d blocks", len(b), count)
	}
	t.Blocks = make([]BlockInfo, count)
	for i := range t.Blocks {
		if !t.Blocks[i].decode(&f) {
			return nil, damaged("footer: block %d has unknown flags", i)
		}
	}
	return t, nil
}

func (e *BlockInfo) decode(f *fields) bool {
	e.Position, e.Stored, e.Plain = f.u64(), f.u32(), f.u32()
	e.Base, e.Next = int64(f.u64()), int64(f.u64())
	e.Batches, e.Records = f.u32(), f.u64()
	e.MaxTimestamp, e.MinTimestamp = int64(f.u64()), int64(f.u64())
	e.Compression = block.Compression(f.u8())
	flags := f.u8()
	e.Transactional, e.Control = flags&flagTransactional != 0, flags&flagControl != 0
	f.bytes(e.SHA256[:])
	f.bytes(e.Commitment[:])
	e.Filter.Position, e.Filter.Length = f.u64(), f.u32()
	f.bytes(e.Filter.SHA256[:])
	return flags&^flagsKnown == 0
}

// EndAt returns where the end of the segment begins: filters, footer and
// trailer, all that follows the bodies. It is 0 when there is no block.
func (t Footer) EndAt() int64 {
	if len(t.Blocks) == 0 {
		return 0
	}
	last := &t.Blocks[len(t.Blocks)-1]
	return int64(last.Position) + int64(last.Stored)
}

// MaxTimestamp returns the highest timestamp of the segment's records in ms,
// NoTimestamp when it has none.
func (t Footer) MaxTimestamp() int64 {
	highest := NoTimestamp
	for i := range t.Blocks {
		highest = max(highest, t.Blocks[i].MaxTimestamp)
	}
	return highest
}

// MinTimestamp returns the lowest timestamp of the segment's records in ms,
// NoTimestamp when it is not known of every block that has records.
func (t Footer) MinTimestamp() int64 {
	lowest := int64(math.MaxInt64)
	for i := range t.Blocks {
		if e := &t.Blocks[i]; e.Records > 0 {
			lowest = min(lowest, e.MinTimestamp)
		}
	}
	if t.Records == 0 {
		return NoTimestamp
	}
	return lowest
}
