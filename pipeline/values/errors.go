package values

import (
	"errors"
	"fmt"
)

// ErrTooLarge means that a value, or the tree it would become, is beyond the
// limits of this package.
var ErrTooLarge = errors.New("value is too large to decode")

// ErrNoSchemas means that a value names a schema and there is nowhere to look
// for it.
var ErrNoSchemas = errors.New("no schemas are at hand: they come from the archive if schema_registry.url was set while archiving, or from that registry")

// ErrUnknownSchema is wrapped by a Schemas that does not know an id.
var ErrUnknownSchema = errors.New("schema is unknown")

// ErrNotDecoded means that the value's format is known, and that this program
// does not decode it. The Value beside it holds the bytes.
var ErrNotDecoded = errors.New("Protobuf is not decoded")

// FormatError says that bytes are not what they begin as.
type FormatError struct {
	Format Format
	// At is the place in the value, in bytes from 0; -1 where it is not known.
	At  int64
	Err error
}

func (e *FormatError) Error() string {
	if e.At < 0 {
		return fmt.Sprintf("decode %s: %v", e.Format, e.Err)
	}
	return fmt.Sprintf("decode %s: byte %d: %v", e.Format, e.At, e.Err)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// SchemaError says what is wrong with the schema that a value names. A record
// key or value may look framed by chance, such as a number of eight bytes:
// whoever expects that takes the bytes as they are.
type SchemaError struct {
	ID  int
	Err error
}

func (e *SchemaError) Error() string { return fmt.Sprintf("schema id %d: %v", e.ID, e.Err) }

// Unwrap returns the cause.
func (e *SchemaError) Unwrap() error { return e.Err }
