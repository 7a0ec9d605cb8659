package cover

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// CopyError says why one copy of an object does not count.
type CopyError struct {
	// Region and Object say which copy.
	Region, Object string
	// Err is the cause.
	Err error
}

func (e *CopyError) Error() string {
	return fmt.Sprintf("region %s: %s: %v", e.Region, e.Object, e.Err)
}

// Unwrap returns the cause.
func (e *CopyError) Unwrap() error { return e.Err }

// Kind sorts the cause, for findings and metrics.
func (e *CopyError) Kind() Kind { return kindOf(e.Err) }

// PageError says that the key page of a segment does not give its secret.
type PageError struct {
	Region string
	Page   names.PageID
	Slot   uint16
	// Err is fs.ErrNotExist when the region does not have the page.
	Err error
}

func (e *PageError) Error() string {
	return fmt.Sprintf("key page %s, slot %d, in region %s: %v", e.Page, e.Slot, e.Region, e.Err)
}

// Unwrap returns the cause.
func (e *PageError) Unwrap() error { return e.Err }

// LostError says that no copy serves a range of offsets.
type LostError struct {
	Partition names.Partition
	Offsets   Offsets
	// Copies are why each object that should hold them does not. It is empty
	// when no object claims to.
	Copies []*CopyError
}

func (e *LostError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "topic %s partition %d: offsets %s cannot be read", e.Partition.Topic, e.Partition.Number, e.Offsets)
	if len(e.Copies) == 0 {
		b.WriteString(": no region holds an object for them, and no gap file explains it")
	}
	for i, c := range e.Copies {
		if i == maxReasons {
			fmt.Fprintf(&b, "; and %d more", len(e.Copies)-i)
			break
		}
		fmt.Fprintf(&b, "; %v", c)
	}
	return b.String()
}

// maxReasons is how many copies an error message lists.
const maxReasons = 6

// Unwrap gives errors.Is the cause of every copy.
func (e *LostError) Unwrap() []error {
	out := make([]error, len(e.Copies))
	for i, c := range e.Copies {
		out[i] = c
	}
	return out
}

// Unavailable reports whether a later attempt may succeed: a copy could not be
// reached, which says nothing about its content.
func (e *LostError) Unavailable() bool {
	for _, c := range e.Copies {
		if c.Kind() == KindUnreachable {
			return true
		}
	}
	return false
}

// misnamed is the error of an object that is not under its own name.
func misnamed(found, own names.Range) error {
	return fmt.Errorf("object %q is %s: %w", found, own, segment.ErrName)
}

// damaged makes an error that wraps segment.ErrDamaged.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), segment.ErrDamaged)
}

// kindOf sorts an error by what it wraps. What it does not know is an access
// that failed.
func kindOf(err error) Kind {
	page := (*PageError)(nil)
	isPage := errors.As(err, &page)
	switch {
	case isPage && errors.Is(err, fs.ErrNotExist):
		return KindNoPage
	case errors.Is(err, segment.ErrWrongKey):
		return KindWrongKey
	case isPage && errors.Is(err, signed.ErrSignature):
		return KindBadPage
	case errors.Is(err, signed.ErrSignature):
		return KindForged
	case errors.Is(err, segment.ErrName):
		return KindMisplaced
	case errors.Is(err, segment.ErrVersion):
		return KindVersion
	case errors.Is(err, segment.ErrDamaged), errors.Is(err, object.ErrDamaged):
		return KindDamaged
	case errors.Is(err, fs.ErrNotExist):
		return KindAbsent
	}
	return KindUnreachable
}
