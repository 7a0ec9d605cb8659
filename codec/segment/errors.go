package segment

import (
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/block"
)

// What can be wrong with a segment, beside signed.ErrSignature: test with
// errors.Is.
var (
	// ErrDamaged means that bytes were changed, cut off or put elsewhere.
	ErrDamaged = block.ErrDamaged
	// ErrWrongKey means that the secret is not this segment's.
	ErrWrongKey = block.ErrWrongKey
	// ErrVersion means a format version or an algorithm that this program
	// does not know. The segment may be sound.
	ErrVersion = errors.New("made by another version of tidemark; use a program that knows it")
	// ErrName means that an object does not bear its own name: it was renamed,
	// moved or swapped with another.
	ErrName = errors.New("not the object of this name; use another copy")
)

// NeedError says that a tail is too short to be read.
type NeedError struct {
	// Bytes is how many of the segment's last bytes are needed.
	Bytes int64
}

func (e *NeedError) Error() string {
	return fmt.Sprintf("tail is too short: the last %d bytes are needed", e.Bytes)
}

// BlockError says in which block of which segment something is wrong.
type BlockError struct {
	// Segment is the object's name.
	Segment string
	// Block counts from 0.
	Block int
	// Base and Next are the offsets that are out of reach, [Base, Next).
	Base, Next int64
	// Err is the broken rule.
	Err error
}

func (e *BlockError) Error() string {
	return fmt.Sprintf("%s: block %d, offsets [%d, %d): %v", e.Segment, e.Block, e.Base, e.Next, e.Err)
}

// Unwrap returns the broken rule.
func (e *BlockError) Unwrap() error { return e.Err }

// damaged makes the error of a rule that bytes break.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrDamaged)
}
