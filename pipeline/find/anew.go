package find

import (
	"bytes"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
)

// maxRemembered bounds the ends that one attempt without an index remembers
// between its two steps, in bytes.
const maxRemembered = 16 << 20

// anew is an index that is told, and not asked: a search that goes by the
// regions alone still leaves the index warm.
type anew struct {
	Index // may be nil

	mu    sync.Mutex
	ends  map[names.Range]remembered
	bytes int
}

// remembered is an end that a region gave to this very attempt.
type remembered struct {
	end  []byte
	size int64
}

func newAnew(x Index) *anew { return &anew{Index: x, ends: map[names.Range]remembered{}} }

// End returns what this attempt was told.
func (a *anew) End(name names.Range) ([]byte, int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.ends[name]
	return r.end, r.size
}

// Keep tells the index.
func (a *anew) Keep(name names.Range, end []byte, size int64) {
	if a.Index != nil {
		a.Index.Keep(name, end, size)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.ends[name]; known || a.bytes+len(end) > maxRemembered {
		return
	}
	a.bytes += len(end)
	a.ends[name] = remembered{bytes.Clone(end), size}
}
