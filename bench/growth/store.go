// Package growth tells what an archive costs when it has grown for a year: the
// objects, the pages of a listing, a start, a plan, before and after small
// segments are rolled up.
//
// Two hundred million objects cannot be made for a test. A [Store] computes the
// names that a region would list, one at a time, in the order of a listing, and
// holds in memory the few objects that somebody opens: so the code that is
// measured is the code that runs. The table is made by
//
//	go test ./bench/growth -run Table -v -count=1 -args -scale=10
//
// and kept in bench/results/growth.md. Without -scale it is a thousandth of the
// size, for every test run; -scale=1 is the whole year and takes a machine of its
// own.
package growth

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
)

// listPage is how many names S3 lists in one request.
const listPage = 1000

// Run is a row of segments of one size, one behind the other.
type Run struct {
	// Segments is how many there are, Offsets how many offsets each holds, Size
	// how many bytes.
	Segments, Offsets, Size int64
}

// Layout is what each partition of a topic holds.
type Layout struct {
	Topic      string
	Lineage    names.Lineage
	Partitions int32
	Runs       []Run
}

// Next is the offset at which the runs of a partition end.
func (l Layout) Next() int64 {
	var next int64
	for _, r := range l.Runs {
		next += r.Segments * r.Offsets
	}
	return next
}

// Segments is how many segments all partitions hold.
func (l Layout) Segments() int64 {
	var n int64
	for _, r := range l.Runs {
		n += r.Segments
	}
	return n * int64(l.Partitions)
}

// Partition returns one partition's place.
func (l Layout) Partition(n int32) names.Partition {
	return names.Partition{Topic: l.Topic, Lineage: l.Lineage, Number: n}
}

// Store is a region whose listing is computed. It implements the reading side
// of a region. Put what is to be opened before it is used; from then on it is
// safe for concurrent use.
type Store struct {
	layout  Layout
	objects map[string][]byte
	// Pages counts the requests of listings, a thousand names each; Requests
	// all others.
	Pages, Requests atomic.Int64
}

// NewStore makes a region of a layout.
func NewStore(l Layout) *Store { return &Store{layout: l, objects: map[string][]byte{}} }

// Put keeps an object that can be opened. One of a partition must lie behind
// the partition's runs.
func (s *Store) Put(key string, body []byte) { s.objects[key] = body }

// Get implements cover.Objects.
func (s *Store) Get(_ context.Context, key string) ([]byte, error) {
	s.Requests.Add(1)
	b, ok := s.objects[key]
	if !ok {
		return nil, fmt.Errorf("get %q: %w", key, fs.ErrNotExist)
	}
	return slices.Clone(b), nil
}

// ReadAt implements cover.Objects.
func (s *Store) ReadAt(_ context.Context, key string, p []byte, off int64) (int, error) {
	s.Requests.Add(1)
	b, ok := s.objects[key]
	if !ok {
		return 0, fmt.Errorf("read %q: %w", key, fs.ErrNotExist)
	}
	if off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Stat implements cover.Objects.
func (s *Store) Stat(_ context.Context, key string) (object.Info, error) {
	s.Requests.Add(1)
	b, ok := s.objects[key]
	if !ok {
		return object.Info{}, fmt.Errorf("stat %q: %w", key, fs.ErrNotExist)
	}
	return object.Info{Key: key, Size: int64(len(b)), CRC32C: crc32.Checksum(b, castagnoli), HasCRC32C: true}, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// List implements cover.Objects.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		n := 0
		for info := range s.list(prefix, after) {
			if n%listPage == 0 {
				s.Pages.Add(1)
			}
			n++
			if err := ctx.Err(); err != nil {
				yield(object.Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
		if n == 0 {
			s.Pages.Add(1)
		}
	}
}

// list yields the computed names and the kept objects in one order: a
// partition's objects lie behind its runs.
func (s *Store) list(prefix, after string) iter.Seq[object.Info] {
	return func(yield func(object.Info) bool) {
		kept := s.kept(prefix, after)
		upTo := func(end string) bool {
			for ; len(kept) > 0 && kept[0] < end; kept = kept[1:] {
				if !yield(object.Info{Key: kept[0], Size: int64(len(s.objects[kept[0]]))}) {
					return false
				}
			}
			return true
		}
		for _, p := range s.partitions(prefix) {
			if !upTo(p.Prefix()) {
				return
			}
			for info := range s.computed(p, after) {
				if !yield(info) {
					return
				}
			}
			if !upTo(behind(p.Prefix())) {
				return
			}
		}
		upTo(lastName)
	}
}

// lastName sorts behind every name.
const lastName = "\xff"

// behind sorts behind every name that begins with a prefix.
func behind(prefix string) string { return prefix + lastName }

func (s *Store) kept(prefix, after string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.objects)), func(key string) bool {
		return !strings.HasPrefix(key, prefix) || key <= after
	})
}

// partitions returns those whose names begin with a prefix, or that a prefix
// lies in, in the order of a listing.
func (s *Store) partitions(prefix string) []names.Partition {
	var out []names.Partition
	for n := range s.layout.Partitions {
		p := s.layout.Partition(n)
		if strings.HasPrefix(p.Prefix(), prefix) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b names.Partition) int { return strings.Compare(a.Prefix(), b.Prefix()) })
	return out
}

// computed yields the names of the runs that sort after a name.
func (s *Store) computed(p names.Partition, after string) iter.Seq[object.Info] {
	return func(yield func(object.Info) bool) {
		from, err := offsetIn(p, after)
		if err != nil {
			return
		}
		base := int64(0)
		for _, r := range s.layout.Runs {
			first := max(0, (from-base)/r.Offsets)
			for i := first; i < r.Segments; i++ {
				name := Name(p, base+i*r.Offsets, base+(i+1)*r.Offsets).String()
				if name > after && !yield(object.Info{Key: name, Size: r.Size}) {
					return
				}
			}
			base += r.Segments * r.Offsets
		}
	}
}

// errOther says that a name sorts behind the whole partition.
var errOther = errors.New("name of another folder")

// offsetIn is the lowest base that may sort after a name.
func offsetIn(p names.Partition, after string) (int64, error) {
	rest, ok := strings.CutPrefix(after, p.Prefix())
	if !ok {
		if after > p.Prefix() {
			return 0, errOther
		}
		return 0, nil
	}
	return strconv.ParseInt(rest[:min(len(rest), 20)], 10, 64)
}

// Name is the computed name of a segment. Its digest is made of its offsets.
func Name(p names.Partition, base, next int64) names.Range {
	x := uint64(base)*0x9e3779b97f4a7c15 ^ uint64(p.Number)
	x ^= x >> 29
	r := names.Range{Partition: p, Base: base, Next: next, Kind: names.KindSegment}
	binary.BigEndian.PutUint64(r.Digest[:], x*0xbf58476d1ce4e5b9)
	return r
}
