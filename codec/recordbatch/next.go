package recordbatch

import (
	"errors"
	"hash/crc32"
	"io"
	"iter"
)

// Go computes this polynomial with the CPU's own instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(batch []byte) uint32 { return crc32.Checksum(batch[crcStart:], castagnoli) }

// Next takes the first batch off b, a row of batches such as the records of a
// fetch response. It validates the header and the CRC, and neither decodes nor
// allocates. batch and rest are parts of b.
//
// An empty b is [io.EOF]. A batch that is cut short is [ErrPartial]; h is then
// set if the whole header was there, so that h.Size tells how much a next fetch
// must hold. Other errors are those of [ParseHeader], and [CRCError]. On every
// error batch is nil and rest is b.
func Next(b []byte) (h Header, batch, rest []byte, err error) {
	if len(b) == 0 {
		return Header{}, nil, b, io.EOF
	}
	h, err = ParseHeader(b)
	if err != nil {
		return Header{}, nil, b, err
	}
	size := h.Size()
	if size > len(b) {
		return h, nil, b, ErrPartial
	}
	batch = b[:size:size]
	if sum := checksum(batch); sum != h.CRC {
		return Header{}, nil, b, &CRCError{Offset: h.BaseOffset, Want: h.CRC, Got: sum}
	}
	return h, batch, b[size:], nil
}

// Batch is a validated batch: its header and all its bytes.
type Batch struct {
	Header
	Bytes []byte
}

// All walks over a row of batches by [Next]. An error, [ErrPartial] for one,
// comes last; the plain end of b is no error.
func All(b []byte) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for {
			h, batch, rest, err := Next(b)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(Batch{h, batch}, err) || err != nil {
				return
			}
			b = rest
		}
	}
}

// whole checks that batch is one batch and nothing else. It leaves the CRC to
// [Next].
func whole(batch []byte) (Header, error) {
	h, err := ParseHeader(batch)
	if err != nil {
		return Header{}, err
	}
	if len(batch) < h.Size() {
		return Header{}, ErrPartial
	}
	if len(batch) > h.Size() {
		return Header{}, batchError(h.BaseOffset, "%d bytes after the batch", len(batch)-h.Size())
	}
	return h, nil
}
