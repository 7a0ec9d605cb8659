package objects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Error is a failed operation on a store. Its kind is asked for with errors.Is:
//
//	fs.ErrExist       the name is taken
//	fs.ErrNotExist    there is no such object
//	fs.ErrPermission  the store refused: a missing permission, or a lock
//	fs.ErrInvalid     the request can never succeed
//	ErrCorrupt        what came back is not what the store had promised
//	ErrOpen           the circuit breaker let nothing through
//
// It is decided by the store's code or the operating system's error number,
// never by a message.
type Error struct {
	// Op is the operation: put, get, readat, stat, list, versions, delete or
	// capabilities.
	Op string
	// Key is the object's key, or the prefix of a list.
	Key string
	// Store is the store's Name.
	Store string
	// Code is the store's own word, such as SlowDown, or one of the Code
	// constants.
	Code string
	// Retryable is true when the same call may succeed later with nothing
	// changed. After a Put it also means that the object may have been stored.
	Retryable bool
	// Hint says what a person should do next; often empty.
	Hint string
	// Kind is one of the errors above, or nil.
	Kind error
	// Err is the cause, or nil.
	Err error
}

// Codes of errors that come from this package and not from a store's answer.
const (
	CodeInvalid     = "Invalid"     // key, offset or options that no store accepts
	CodeShortBody   = "ShortBody"   // fewer bytes than the store announced
	CodeChecksum    = "Checksum"    // bytes whose CRC-32C is not the stored one
	CodeTooLarge    = "TooLarge"    // above the limit of Get
	CodeNetwork     = "Network"     // no answer, or a connection that broke
	CodeUnordered   = "Unordered"   // a list that is not sorted
	CodeUnsupported = "Unsupported" // the store has no such feature
	CodeIO          = "IO"          // an error of the file system
	CodeOpen        = "CircuitOpen" // the circuit breaker is open
	CodeTimeout     = "Timeout"     // no answer within the time-out of a call
	CodeStalled     = "Stalled"     // an answer in which nothing moved any more
)

var (
	// ErrCorrupt marks an answer that contradicts itself: a body shorter than
	// announced, or a checksum that does not fit.
	ErrCorrupt = errors.New("answer does not match what the store announced")
	// ErrOpen marks a call that the circuit breaker did not let through. It is
	// Retryable, after a while.
	ErrOpen = errors.New("circuit breaker is open")
)

// Error names operation, key, store, code, cause and hint, in this order.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q in %s", e.Op, e.Key, e.Store)
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	switch {
	case e.Err != nil:
		fmt.Fprintf(&b, ": %v", e.Err)
	case e.Kind != nil:
		fmt.Fprintf(&b, ": %v", e.Kind)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As both the kind and the cause.
func (e *Error) Unwrap() []error {
	var all []error
	if e.Kind != nil {
		all = append(all, e.Kind)
	}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}

// ConflictError says that a name holds other bytes than the ones that belong
// there: a truncated upload that the store kept, or a forgery. It is a finding
// and is never retried away.
type ConflictError struct {
	Key, Store string
	// WantSize and WantCRC32C are those of the bytes that belong there.
	WantSize   int64
	WantCRC32C uint32
	// HaveSize and HaveCRC32C are those of the stored object; HaveCRC32C is
	// computed where the store keeps none.
	HaveSize   int64
	HaveCRC32C uint32
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%q in %s holds other bytes: %d bytes with CRC-32C %08x, want %d with %08x",
		e.Key, e.Store, e.HaveSize, e.HaveCRC32C, e.WantSize, e.WantCRC32C)
}

// Unwrap makes a conflict a taken name to those who ask no further.
func (e *ConflictError) Unwrap() error { return fs.ErrExist }

// HiddenError says that a delete marker hides what is under a name, and that the
// store keeps the name taken all the same: nothing can be written there, and
// nothing read. AWS frees such a name, versitygw does not. Only a person can
// tell whether what lies behind the marker should come back.
type HiddenError struct {
	Key, Store string
	// Marker is the version of the delete marker.
	Marker string
}

func (e *HiddenError) Error() string {
	return fmt.Sprintf("%q in %s is hidden by delete marker %s, and the store does not free the name (find out who deleted it, and delete the marker by its version: then what lies behind it is back, and is compared)",
		e.Key, e.Store, e.Marker)
}

// Unwrap makes a hidden name a taken one to those who ask no further.
func (e *HiddenError) Unwrap() error { return fs.ErrExist }

// Retryable reports whether the call that returned err may succeed later with
// nothing changed. The end of the caller's own context is not retryable.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable
}

// ended returns the error of a context that is over: it comes back bare, since
// it is the caller's and not the store's.
func ended(ctx context.Context) error { return ctx.Err() }

// invalid is the error for a request that no store accepts.
func invalid(store, op, key string, err error) error {
	return &Error{Op: op, Key: key, Store: store, Code: CodeInvalid, Kind: fs.ErrInvalid, Err: err}
}

// absent is the error of a store that holds no such object.
func absent(store, op, key string) error {
	return &Error{Op: op, Key: key, Store: store, Kind: fs.ErrNotExist}
}

// taken is the error of a Put on a name that holds something.
func taken(store, key string) error {
	return &Error{Op: "put", Key: key, Store: store, Kind: fs.ErrExist}
}

// locked is the error of a deletion that Object Lock forbids.
func locked(store, key string) error {
	return &Error{Op: "delete", Key: key, Store: store, Code: "ObjectLocked", Kind: fs.ErrPermission,
		Hint: "the version is under Object Lock until its retention date"}
}

// tooLarge is the error of a Get above the limit.
func tooLarge(store, key string, size, limit int64) error {
	return &Error{Op: "get", Key: key, Store: store, Code: CodeTooLarge, Kind: fs.ErrInvalid,
		Err: fmt.Errorf("%d bytes, limit %d", size, limit), Hint: "read it by ranges"}
}

// short is the error of a body that ends before its announced length.
func short(store, op, key string, have, want int64) error {
	return &Error{Op: op, Key: key, Store: store, Code: CodeShortBody, Kind: ErrCorrupt, Retryable: true,
		Err: fmt.Errorf("%d bytes of %d", have, want)}
}
