// Package recordbatch reads and writes Kafka record batches of message format
// v2 (magic 2, KIP-98).
//
// A fetch response, and the body of a tidemark segment, is a row of batches.
// Each starts with a header of 61 bytes:
//
//	 0  base offset             int64   offset of the batch; record offsets are deltas from it
//	 8  length                  int32   bytes after this field, so the whole batch is 12 more
//	12  partition leader epoch  int32   set by the broker, outside the CRC
//	16  magic                   int8    2
//	17  CRC                     uint32  CRC-32C (RFC 3720) of everything from byte 21
//	21  attributes              int16   bits 0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon
//	23  last offset delta       int32   the batch ends at base offset + this, even where compaction took records away
//	27  base timestamp          int64   ms; record timestamps are deltas from it
//	35  max timestamp           int64   ms; with LogAppendTime the time of every record
//	43  producer id             int64   -1: not idempotent
//	51  producer epoch          int16
//	53  base sequence           int32
//	57  count                   int32   records in the batch
//	61  records                         compressed as one piece when the codec says so
//
// The package has three layers, from cheap to costly:
//
//   - [Next] walks over raw bytes. It validates header and CRC, decodes nothing and allocates nothing:
//     archiving needs no more.
//   - [Decoder] decompresses. [Decoder.Keys] stops at each key, [Decoder.Records] gives whole records.
//   - [Builder] makes batches, and [SetProducer] readies a stored one for a raw produce request.
//
// Bytes are untrusted everywhere: a length or count is never believed before it
// fits the bytes at hand, and decompression is bounded. Errors that wrap
// [ErrCorrupt] mean damaged bytes, where another replica may have better ones;
// [ErrPartial], [ErrMessageFormat] and [TooLargeError] do not.
package recordbatch
