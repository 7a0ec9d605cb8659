package keys

import "time"

const (
	// DefaultSlots is how many secrets a key page holds. A page costs one PUT
	// in each region; 256 make that cost vanish beside the segments', and an
	// erasure that rewrites a page stays small (about 11 KiB).
	DefaultSlots = 256

	// MaxSlots keeps a page well below signed.MaxFile: 8,192 secrets take 361 KB
	// in base64. The slot number, an uint16 in a segment's header, would allow
	// more.
	MaxSlots = 8192

	// DefaultKEKAge is how long one KEK wraps new pages. NIST SP 800-57 part 1
	// allows up to two years; a month limits what one leaked KEK opens.
	DefaultKEKAge = 30 * 24 * time.Hour

	// kekSearch is how often a running writer looks for a newer KEK, so that
	// "tidemark keys rotate" reaches it without a restart.
	kekSearch = time.Hour

	// kekSkew is how far in the future a KEK may claim to have been made. A
	// KEK from a clock far ahead would otherwise stay the newest for ever.
	kekSkew = 24 * time.Hour

	// maxKEKs bounds what is read at start: 1,024 KEKs are 85 years of monthly
	// rotation.
	maxKEKs = 1024

	// regionWait bounds what one region may take to say which KEKs it has, so
	// that a region that hangs does not hold up the other at start.
	regionWait = 10 * time.Second

	// kmsWait bounds one call of a KMS. They answer in some 20 ms; what takes
	// longer than this counts as an outage.
	kmsWait = 10 * time.Second

	// cachedPages bounds the pages a Ring remembers: 512 pages of 256 secrets
	// are the keys of 131,072 segments in 4 MiB.
	cachedPages = 512

	// maxPending bounds the pages a Writer keeps for a region that is down
	// while another has them: 256 pages, about 5 MiB with their secrets. Beyond it
	// the oldest are left to Copy, which takes them from the other region.
	maxPending = 256

	// rememberedPages is how many finished pages a Writer knows to be durable
	// everywhere, so that a segment that closes late costs no request: 16
	// bytes each.
	rememberedPages = 1024
)
