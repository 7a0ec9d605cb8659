package recordbatch

import (
	"math"
	"unsafe"
)

const (
	// HeaderSize is the length of a batch header in bytes, the records come
	// after it.
	HeaderSize = 61

	// DefaultMaxDecoded bounds the decompressed bytes of one batch, 128 MiB:
	// six times the largest record tidemark is tested with (20 MB), and small
	// enough that a decoder on each of two cores stays within a 512 MiB
	// process.
	DefaultMaxDecoded = 128 << 20

	// sizePrefix is what a batch has in front of what its length field counts:
	// base offset and length.
	sizePrefix = 12

	// magicEnd is how many bytes tell the message format; it stands at the same
	// place in all three formats.
	magicEnd = 17

	// crcStart is the first byte that the CRC covers, the attributes.
	crcStart = 21

	// maxLength keeps the size of a batch within an int of 32 bits.
	maxLength = math.MaxInt32 - sizePrefix

	// minRecord is the shortest record: length, attributes, two deltas, null
	// key, null value, no headers; a byte each.
	minRecord = 7

	// minRecordHeader is the shortest record header: an empty key and a null value.
	minRecordHeader = 2

	// recordHeaderCost is the memory of one parsed header. Two bytes on the
	// wire become this many, so header tables count against the limit of a
	// decoder as decompressed bytes do.
	recordHeaderCost = int(unsafe.Sizeof(RecordHeader{}))

	// retainDecoded is the largest buffer a decoder keeps for its next batch.
	// Batches are rarely above 1 MiB, and one of 100 MiB must not stay in
	// memory for the life of the process.
	retainDecoded = 8 << 20

	// zstdMinWindow is the window that RFC 8878 asks every decoder to support;
	// frames of the Java client claim 2 MiB of it whatever they hold. A decoder
	// with a lower limit accepts the frame and judges what comes out.
	zstdMinWindow = 8 << 20

	// zstdRoom is the least buffer for a zstd batch. Frames of the Java client
	// do not tell how long they are inside, and as long as a block of 128 KiB
	// might not fit, the decoder copies byte by byte, at half the speed. With
	// so much room batches up to 384 KiB never get there.
	zstdRoom = 512 << 10

	// snappyMaxRatio is above what snappy can reach (a copy of 64 bytes takes
	// 3): a block that claims more lies.
	snappyMaxRatio = 22

	// snappyBlock is the block size of the Java client's snappy framing.
	snappyBlock = 32 << 10
)
