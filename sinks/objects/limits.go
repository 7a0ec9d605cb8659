package objects

import "time"

// Limits, each with its reason.
const (
	// DefaultGetLimit bounds Get, in bytes. A segment is some tens of MiB and
	// larger objects are read by ranges, so anything above it is a mistake, and
	// would otherwise be one that exhausts the memory.
	DefaultGetLimit = 256 << 20

	// maxKey is the longest key in bytes. S3 allows 1,024 for prefix and key
	// together.
	maxKey = 896
	// maxPart is the longest part between two slashes, the limit of nearly all
	// file systems.
	maxPart = 255

	// listPage is the number of keys in a page of S3's ListObjectsV2, its
	// maximum.
	listPage = 1000

	// staleTemp is the age at which a temporary file cannot belong to a
	// living writer any more: no Put lasts a day.
	staleTemp = 24 * time.Hour
)
