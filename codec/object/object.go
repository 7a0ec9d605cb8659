// Package object holds what every object store can say about an object it
// keeps. It is the one value that the stores of package sinks and the ports of
// package pipeline share, so that neither has to import the other.
package object

import (
	"errors"
	"time"
)

// ErrDamaged marks bytes whose checksum is not the one that the store keeps of
// them. Read again, they are either whole or damaged where they lie.
var ErrDamaged = errors.New("checksum is not the stored one")

// Info describes one stored object, as the store reports it. It proves
// nothing: whoever relies on an object checks its signature.
type Info struct {
	// Key is the name below the region's prefix, with forward slashes.
	Key string
	// Size is the stored length in bytes.
	Size int64
	// CRC32C is the CRC-32C (Castagnoli) of the whole object. It is only
	// meaningful when HasCRC32C is true: LIST never tells it, and some stores
	// keep none.
	CRC32C    uint32
	HasCRC32C bool
	// Modified is the store's own time of the last write.
	Modified time.Time
	// Version is the store's name for this version, empty where the store
	// keeps no versions.
	Version string
	// DeleteMarker is true in a listing of versions where this entry hides
	// the versions below it.
	DeleteMarker bool
	// RetainUntil is the Object Lock date before which this version cannot be
	// deleted; zero where there is none.
	RetainUntil time.Time
}
