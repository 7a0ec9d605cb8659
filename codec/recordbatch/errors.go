package recordbatch

import (
	"errors"
	"fmt"
	"io"
)

// ErrPartial says that the bytes end inside a batch. Brokers cut the last batch
// of a fetch response like that, so it means "fetch again from this batch"; in
// a segment it means damage. It wraps [io.ErrUnexpectedEOF].
var ErrPartial = fmt.Errorf("batch cut short: %w", io.ErrUnexpectedEOF)

// ErrCorrupt is wrapped by every error that means damaged or lying bytes:
// [FormatError] and [CRCError].
var ErrCorrupt = errors.New("corrupt batch")

// ErrMessageFormat is wrapped by [OldMessageFormatError].
var ErrMessageFormat = errors.New("message format before v2")

// OldMessageFormatError reports a message set of format v0 or v1, from before
// Kafka 0.11. Kafka 4 no longer has them; rewriting the topic with an older
// broker is the way out.
type OldMessageFormatError struct {
	Offset int64
	Magic  int8 // 0 or 1
}

func (e *OldMessageFormatError) Error() string {
	return fmt.Sprintf("offset %d is in message format v%d, only v2 can be read", e.Offset, e.Magic)
}

// Unwrap makes errors.Is(err, ErrMessageFormat) true.
func (e *OldMessageFormatError) Unwrap() error { return ErrMessageFormat }

// CRCError reports a batch whose bytes do not have the checksum in its header.
type CRCError struct {
	Offset int64  // base offset of the batch
	Want   uint32 // in the header
	Got    uint32 // of the bytes
}

func (e *CRCError) Error() string {
	return fmt.Sprintf("batch at offset %d: CRC-32C is %08x, its header says %08x", e.Offset, e.Got, e.Want)
}

// Unwrap makes errors.Is(err, ErrCorrupt) true.
func (e *CRCError) Unwrap() error { return ErrCorrupt }

// FormatError reports a batch that breaks a rule of the format.
type FormatError struct {
	Offset int64  // base offset of the batch
	Record int    // position of the record in the batch, -1 when the rule is about the batch
	Rule   string // what is wrong
}

func (e *FormatError) Error() string {
	if e.Record < 0 {
		return fmt.Sprintf("batch at offset %d: %s", e.Offset, e.Rule)
	}
	return fmt.Sprintf("batch at offset %d, record %d: %s", e.Offset, e.Record, e.Rule)
}

// Unwrap makes errors.Is(err, ErrCorrupt) true.
func (e *FormatError) Unwrap() error { return ErrCorrupt }

// TooLargeError reports a batch that would need more memory to decode than its
// decoder may use. The batch itself may be sound.
type TooLargeError struct {
	Offset int64 // base offset of the batch
	Limit  int   // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("batch at offset %d needs more than %d bytes decoded", e.Offset, e.Limit)
}

func batchError(offset int64, format string, args ...any) error {
	return &FormatError{Offset: offset, Record: -1, Rule: fmt.Sprintf(format, args...)}
}
