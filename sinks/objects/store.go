package objects

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/tidemark-io/tidemark/codec/object"
)

// Store is one place that keeps objects. It is safe for concurrent use. Every
// error that is not the caller's context is an *Error.
type Store interface {
	Writer
	Reader
	Deleter
	Inspector
	// Close gives up what the store holds. No other method may be called after
	// it; calls under way may fail.
	io.Closer
}

// Writer puts objects where there are none.
type Writer interface {
	// Put stores body under key if the name is free, durably: after nil it
	// survives a crash of the machine that keeps it. It never replaces
	// anything. The error is fs.ErrExist when the name is taken, whatever is
	// under it, and fs.ErrPermission when the store refuses. Any Retryable error
	// leaves open whether the object was stored; Ensure finds out. body is
	// neither changed nor kept.
	Put(ctx context.Context, key string, body []byte, o PutOptions) error
}

// Reader looks at objects. An absent object is fs.ErrNotExist; a store that
// refuses to say is fs.ErrPermission and never an absence.
type Reader interface {
	// Get returns the whole object. Its length, and its CRC-32C where the store
	// keeps one, are compared with what the store said; an object above the
	// store's limit (DefaultGetLimit) is refused before it is read.
	Get(ctx context.Context, key string) ([]byte, error)
	// ReadAt fills p from offset off, in bytes, as io.ReaderAt does: it returns
	// fewer bytes only with an error, and io.EOF only at the end of the object.
	ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error)
	// Stat describes the newest version, with its CRC-32C where the store
	// knows it.
	Stat(ctx context.Context, key string) (object.Info, error)
	// List yields the objects whose key begins with prefix and sorts after
	// after, in byte order of their keys, a page at a time. An error ends it: a
	// loop that saw none has seen everything the store admits to.
	List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error]
}

// Deleter removes single versions for good. It never leaves a delete marker.
type Deleter interface {
	// Versions yields every version of key, and its delete markers, newest
	// first. A store without versions yields the object itself, with an empty
	// Version. RetainUntil is set only where a listing tells it.
	Versions(ctx context.Context, key string) iter.Seq2[object.Info, error]
	// DeleteVersion removes one version, named as Versions named it. A version
	// under Object Lock is refused with fs.ErrPermission. One that is already
	// gone is no error, since a repeated deletion must succeed.
	DeleteVersion(ctx context.Context, key, version string) error
}

// Inspector says which store this is and what it is able to do.
type Inspector interface {
	// Name is the store's address without secrets, fit for logs.
	Name() string
	// Capabilities asks the store about its settings. It writes nothing.
	Capabilities(ctx context.Context) (Capabilities, error)
}

// LockMode is the Object Lock mode of an object.
type LockMode int

const (
	// LockNone stores the object without a lock.
	LockNone LockMode = iota
	// LockGovernance can be lifted by those with a special permission.
	LockGovernance
	// LockCompliance can be lifted by nobody before its date.
	LockCompliance
)

// String returns the name that S3 uses, or "none".
func (m LockMode) String() string {
	switch m {
	case LockGovernance:
		return "GOVERNANCE"
	case LockCompliance:
		return "COMPLIANCE"
	default:
		return "none"
	}
}

// PutOptions says how an object is kept. The zero value keeps it unlocked.
type PutOptions struct {
	// RetainUntil is the date before which the object cannot be deleted, whole
	// seconds. It is set if, and only if, Mode is.
	RetainUntil time.Time
	Mode        LockMode
	// CRC32C is that of the body, if HasCRC32C says so; a store that needs one
	// makes its own otherwise. A body that does not match is ErrCorrupt and is
	// not stored: it changed since the caller made the checksum.
	CRC32C    uint32
	HasCRC32C bool
}

// sum is the CRC-32C of a body: the caller's, who has it already, or our own.
func (o PutOptions) sum(body []byte) uint32 {
	if o.HasCRC32C {
		return o.CRC32C
	}
	return crc32c(body)
}

// check refuses half a lock, which one store would ignore and another refuse.
func (o PutOptions) check() error {
	if (o.Mode == LockNone) != o.RetainUntil.IsZero() {
		return fmt.Errorf("lock mode %s with date %v: want both or neither: %w", o.Mode, o.RetainUntil, fs.ErrInvalid)
	}
	return nil
}
