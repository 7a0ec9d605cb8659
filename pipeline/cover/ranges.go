package cover

import (
	"context"
	"errors"
	"io"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// ranges reads parts of one object, each from the first of its regions that
// gives it. Copies of one name and one length are the same bytes unless one of
// them is damaged, and that is found by who opens what was read. It is safe for
// concurrent use.
type ranges struct {
	archive *Archive
	key     string
	size    int64
	regions []int           // indexes; the first is the one that the copy is in
	running *sync.WaitGroup // as in question

	served atomic.Int32  // the region that gave the last part
	mixed  atomic.Bool   // another than the first has given a part
	used   atomic.Uint64 // the regions whose bytes were handed out, as bits

	mu   sync.Mutex
	errs map[int]error // of regions that failed, until they are taken
}

// read returns want bytes from an offset on. It uses buf if that is large
// enough, else memory from pool, if there is one, or new memory. by is the region
// that gave them.
func (r *ranges) read(ctx context.Context, off, want int64, buf []byte, pool *buffers) (got []byte, by int, err error) {
	var taken atomic.Bool
	memory := func() []byte {
		switch {
		case int64(cap(buf)) >= want && !taken.Swap(true):
			return buf[:want]
		case pool != nil:
			return pool.get(want)
		}
		return make([]byte, want)
	}
	drop := func(b []byte) {
		if pool != nil {
			pool.put(b)
		}
	}
	var errs map[int]error
	got, by, errs = first(ctx, question[[]byte]{
		archive: r.archive, regions: r.regions, bytes: want, held: want, running: r.running, drop: drop,
		ask: func(ctx context.Context, from *Region) ([]byte, error) {
			b := memory()
			if err := readFull(ctx, from, r.key, b, off); err != nil {
				drop(b)
				return nil, err
			}
			return b, nil
		},
	})
	r.keep(errs)
	if by < 0 {
		return nil, by, reason(ctx, errs, r.regions[0])
	}
	r.served.Store(int32(by))
	if by != r.regions[0] {
		r.mixed.Store(true)
	}
	use := &r.archive.regions[by].health.use
	use.bytes.Add(want)
	use.reads.Add(1)
	return got, by, nil
}

// hand notes that bytes of a region are used.
func (r *ranges) hand(by int) { r.used.Or(1 << by) }

// culprit is the only region whose bytes were used since used was cleared; -1 if
// there were several, or none.
func (r *ranges) culprit() int {
	if used := r.used.Load(); bits.OnesCount64(used) == 1 {
		return bits.TrailingZeros64(used)
	}
	return -1
}

// readFull fills b, which lies within the object.
func readFull(ctx context.Context, from *Region, key string, b []byte, off int64) error {
	n, err := from.Objects.ReadAt(ctx, key, b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = damaged("ends %d bytes early", len(b)-n)
	}
	return err
}

func (r *ranges) keep(errs map[int]error) {
	if len(errs) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.errs == nil {
		r.errs = map[int]error{}
	}
	maps.Copy(r.errs, errs)
}

// take returns the errors since it was called last, without those of regions
// that were only slow, as those of copies.
func (r *ranges) take() []*CopyError {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*CopyError
	for _, i := range slices.Sorted(maps.Keys(r.errs)) {
		if err := r.errs[i]; !errors.Is(err, errOvertaken) {
			out = append(out, &CopyError{Region: r.archive.regions[i].Name, Object: r.key, Err: err})
		}
	}
	clear(r.errs)
	return out
}

// alone is an object in one region.
func (a *Archive) alone(r *Region, key string, size int64) *ranges {
	return &ranges{archive: a, key: key, size: size, regions: []int{a.index(r.Name)}}
}
