package objects

import "time"

// Capabilities is what a store says about its own settings. Nothing here is
// proof: ProbeConditional and ProbeAccess try what they can.
type Capabilities struct {
	// Versioning is true when older versions stay under a name.
	Versioning bool
	// ObjectLock is true when the store accepts PutOptions with a lock.
	ObjectLock bool
	// DefaultMode and DefaultRetention are the lock that the store puts on
	// every object by itself. They must be zero, or it locks key pages and
	// probes too.
	DefaultMode      LockMode
	DefaultRetention time.Duration
	// Skew is how far the store's clock is ahead of ours, to about a second;
	// meaningful only when HasSkew is.
	Skew    time.Duration
	HasSkew bool
	// Denied names the permissions without which a part of this answer stayed
	// unknown, such as s3:GetBucketVersioning.
	Denied []string
}
