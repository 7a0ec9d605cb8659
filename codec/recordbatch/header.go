package recordbatch

import (
	"encoding/binary"
	"math"
)

const (
	codecMask        = 0x07
	logAppendTimeBit = 1 << 3
	transactionalBit = 1 << 4
	controlBit       = 1 << 5
	deleteHorizonBit = 1 << 6
)

// Header is the fixed part of a batch, field by field as on the wire.
type Header struct {
	BaseOffset           int64
	Length               int32 // bytes after this field
	PartitionLeaderEpoch int32 // -1: unknown
	Magic                int8
	CRC                  uint32
	Attributes           int16
	LastOffsetDelta      int32
	BaseTimestamp        int64 // ms; the first record's, not the lowest; the delete horizon where HasDeleteHorizon
	MaxTimestamp         int64 // ms
	ProducerID           int64 // -1: not idempotent
	ProducerEpoch        int16
	BaseSequence         int32
	Count                int32 // records
}

// ParseHeader reads and validates the header at the start of b. It does not
// look at the CRC or the records. Fewer than [HeaderSize] bytes are
// [ErrPartial], formats v0 and v1 an [OldMessageFormatError] (told even from a
// shorter b), anything else that is wrong a [FormatError].
func ParseHeader(b []byte) (Header, error) {
	if len(b) < magicEnd {
		return Header{}, ErrPartial
	}
	offset := int64(binary.BigEndian.Uint64(b))
	switch magic := int8(b[16]); magic {
	case 2:
	case 0, 1:
		return Header{}, &OldMessageFormatError{Offset: offset, Magic: magic}
	default:
		return Header{}, batchError(offset, "magic %d is not known", magic)
	}
	if len(b) < HeaderSize {
		return Header{}, ErrPartial
	}
	h := readHeader(b)
	if err := h.validate(); err != nil {
		return Header{}, err
	}
	return h, nil
}

func readHeader(b []byte) Header {
	_ = b[HeaderSize-1]
	be := binary.BigEndian
	return Header{
		BaseOffset:           int64(be.Uint64(b)),
		Length:               int32(be.Uint32(b[8:])),
		PartitionLeaderEpoch: int32(be.Uint32(b[12:])),
		Magic:                int8(b[16]),
		CRC:                  be.Uint32(b[17:]),
		Attributes:           int16(be.Uint16(b[21:])),
		LastOffsetDelta:      int32(be.Uint32(b[23:])),
		BaseTimestamp:        int64(be.Uint64(b[27:])),
		MaxTimestamp:         int64(be.Uint64(b[35:])),
		ProducerID:           int64(be.Uint64(b[43:])),
		ProducerEpoch:        int16(be.Uint16(b[51:])),
		BaseSequence:         int32(be.Uint32(b[53:])),
		Count:                int32(be.Uint32(b[57:])),
	}
}

func (h Header) put(b []byte) {
	_ = b[HeaderSize-1]
	be := binary.BigEndian
	be.PutUint64(b, uint64(h.BaseOffset))
	be.PutUint32(b[8:], uint32(h.Length))
	be.PutUint32(b[12:], uint32(h.PartitionLeaderEpoch))
	b[16] = byte(h.Magic)
	be.PutUint32(b[17:], h.CRC)
	be.PutUint16(b[21:], uint16(h.Attributes))
	be.PutUint32(b[23:], uint32(h.LastOffsetDelta))
	be.PutUint64(b[27:], uint64(h.BaseTimestamp))
	be.PutUint64(b[35:], uint64(h.MaxTimestamp))
	be.PutUint64(b[43:], uint64(h.ProducerID))
	be.PutUint16(b[51:], uint16(h.ProducerEpoch))
	be.PutUint32(b[53:], uint32(h.BaseSequence))
	be.PutUint32(b[57:], uint32(h.Count))
}

// validate has one if and one message for each rule.
func (h Header) validate() error {
	if h.Length < HeaderSize-sizePrefix || h.Length > maxLength {
		return batchError(h.BaseOffset, "length %d is not within [%d, %d]", h.Length, HeaderSize-sizePrefix, maxLength)
	}
	if h.BaseOffset < 0 {
		return batchError(h.BaseOffset, "base offset is negative")
	}
	if h.LastOffsetDelta < 0 {
		return batchError(h.BaseOffset, "last offset delta %d is negative", h.LastOffsetDelta)
	}
	if h.BaseOffset > math.MaxInt64-1-int64(h.LastOffsetDelta) {
		return batchError(h.BaseOffset, "offsets overflow with last offset delta %d", h.LastOffsetDelta)
	}
	if h.Count < 0 {
		return batchError(h.BaseOffset, "count %d is negative", h.Count)
	}
	if int64(h.Count) > int64(h.LastOffsetDelta)+1 {
		return batchError(h.BaseOffset, "count %d is above last offset delta %d + 1", h.Count, h.LastOffsetDelta)
	}
	if !h.Codec().known() {
		return batchError(h.BaseOffset, "codec %d is not known", int8(h.Codec()))
	}
	if body := int64(h.Size() - HeaderSize); h.Codec() == CodecNone && int64(h.Count)*minRecord > body {
		return batchError(h.BaseOffset, "count %d does not fit in %d bytes of records", h.Count, body)
	}
	return nil
}

// Size is the length of the whole batch in bytes, header included.
func (h Header) Size() int { return sizePrefix + int(h.Length) }

// LastOffset is the last offset that the batch covers, whether or not a record
// is left there.
func (h Header) LastOffset() int64 { return h.BaseOffset + int64(h.LastOffsetDelta) }

// NextOffset is the offset to fetch from after this batch.
func (h Header) NextOffset() int64 { return h.LastOffset() + 1 }

// Codec is how the records are compressed.
func (h Header) Codec() Codec { return Codec(h.Attributes & codecMask) }

// IsTransactional says that the batch belongs to a transaction, open or ended.
func (h Header) IsTransactional() bool { return h.Attributes&transactionalBit != 0 }

// IsControl says that the batch holds markers for consumers, no data. See
// [ParseControl].
func (h Header) IsControl() bool { return h.Attributes&controlBit != 0 }

// LogAppendTime says that the broker set the time: every record has MaxTimestamp.
func (h Header) LogAppendTime() bool { return h.Attributes&logAppendTimeBit != 0 }

// HasDeleteHorizon says that the log cleaner put the delete horizon of
// tombstones and markers into BaseTimestamp (KIP-534). It rewrote the deltas of
// the records, so that these still count from BaseTimestamp.
func (h Header) HasDeleteHorizon() bool { return h.Attributes&deleteHorizonBit != 0 }

// IsDense says that no offset of the batch lacks its record. Brokers accept
// only dense batches from producers.
func IsDense(h Header) bool { return int64(h.Count) == int64(h.LastOffsetDelta)+1 }
