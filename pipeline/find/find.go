// Package find looks for every version of record keys in an archive, without a
// restore.
//
// Each block of a segment may carry a filter over the keys of its records. A
// filter that says no is always right, one that says maybe is wrong once in 256
// times. So a search has two steps. The first asks the filters, many segments
// at a time, and leaves the offsets that are suspect: blocks that say maybe,
// blocks without a filter, segments that do not open, offsets that no segment
// covers. The second reads these offsets, and no others, by the cover rule of
// package cover: each offset once, from any copy that is signed and opens.
//
// # What it costs
//
// A filter lies at the end of its segment, so the first step is a LIST and one
// ranged GET a segment. With an [Index] it is the LIST alone: an index keeps the
// ends of segments on the local disk, sealed as they are in the regions. It is
// not believed. Each end is opened as if a region had sent it, its signature
// first; filters open under the key of their block and nothing else; and
// wherever anything is odd (an end that does not open, an object that is gone,
// offsets that nothing covers) the index is put away and the partition searched
// again from the regions alone.
//
// What an index cannot prove is that there is nothing else. So the names are
// listed: all of them while they are few, which is one request. Of a partition
// with many names, those in an unbroken row of segments are taken from the
// index, and only what is before and behind it is listed, with an overlap. A
// copy of offsets that the row has already, stored later, is not seen then; by
// the cover rule it holds the same records, except where compaction had run
// before one of two copies was fetched. Options.Complete lists every name.
//
// # How wide a filter should be
//
// A fingerprint of 8 bits costs 1.25 bytes a record, and one block in 256 is
// read in vain; 16 bits cost 2.5 bytes, and one in 65,536. Measured on 100
// million records of 44 bytes in 64 partitions, 1,024 segments, 4,992 blocks of
// 20,000 records, on two AMD EPYC cores with SHA extensions that others used at
// the same time, 2026-11-22, by `tidemark find --timing` with keys that are
// nowhere and by a profile of 150 searches in one partition:
//
//	to ask a filter of 8 bits, warm          70 µs of CPU, 0.3 ms a segment besides
//	to read a block, and walk its keys       6 ms of CPU
//	blocks in vain, all partitions           19.4 of 4,992 (13 to 29)
//	blocks in vain, the partition is known   0.3 of 78
//	filters, on disk and in each region      123 MB
//
// With 16 bits the bytes to fetch, hash and open would double: some 4 ms more
// where the partition is known, to save 2 ms; 0.3 s and 123 MB more in all
// partitions, to save 0.12 s; and at a million events a second 216 GB a day in
// each region in place of 108. So it is 8 bits. Reading a block that its producer
// compressed with zstd is dearer, by an estimate some 20 ms: then the two are
// even in CPU, and what is stored and fetched decides.
package find

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/fields"
)

// Index remembers the ends of segments.
type Index interface {
	cover.Ends
	// Segments yields the segments of a partition whose ends it has, and the
	// sizes of the objects in bytes, in no order.
	Segments(p names.Partition) iter.Seq2[names.Range, int64]
}

// Options narrow the search.
type Options struct {
	// Partitions are the numbers to look in; none means all.
	Partitions []int32
	// Partitioner, if it is set, tells in which partitions a key can be; all
	// others are left out.
	Partitioner Partitioner
	// From and To bound record timestamps, [From, To]; zero means no bound.
	From, To time.Time
	// Where are conditions on fields of the value: a record must meet all of
	// them, beside having one of the keys if there are any.
	Where []Where
	// Trees reads values for Where that are not JSON; nil reads JSON alone.
	Trees fields.Trees
	// Index saves requests. It may be nil.
	Index Index
	// Complete lists every name, whatever the index knows.
	Complete bool
	// Report is told of damage and gaps on the way, by the goroutine that
	// iterates. It may be nil.
	Report func(cover.Finding)
	// Stats counts, if it is not nil. It is complete when the iteration has
	// ended.
	Stats *Stats
}

// Stats tells what a search did.
type Stats struct {
	// Blocks are those within the time bounds, Opened those that were decrypted.
	Blocks, Opened int64
	// Segments are those whose filters were asked.
	Segments int64
	// Unread are records that may meet Options.Where: their values could not be
	// read. They are counted in what was opened; no filter ever rules them out.
	Unread int64
	// Again are the partitions that were searched a second time, without the
	// index.
	Again int64
	// Partitions are the numbers of those searched, sorted. Of a topic with
	// several lives, each stands for all lives.
	Partitions []int32
}

// Hit is one record with a key that was looked for.
type Hit struct {
	Partition names.Partition
	// Record is a copy that stays valid.
	Record recordbatch.Record
	// LogAppendTime is true where its timestamp is the broker's.
	LogAppendTime bool
	// Origins are the objects it was read from, each with its digest and the
	// regions that hold it.
	Origins []cover.Origin
}

// ErrNullKey is that of a search for a null key: there is no filter over them.
var ErrNullKey = errors.New("find: a null key cannot be looked for")

// Find yields the records of a topic that have one of the keys, partition by
// partition, in offset order; of all keys if there are none and Options.Where
// has a condition. The archive is read once, however many keys and values.
//
// Offsets that cannot be read come as *cover.LostError in their place, and the
// search goes on if the loop does. Any other error ends it.
func Find(ctx context.Context, a *cover.Archive, topic string, keys [][]byte, o Options) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		if slices.ContainsFunc(keys, func(k []byte) bool { return k == nil }) {
			yield(Hit{}, ErrNullKey)
			return
		}
		tasks, err := assign(ctx, a, topic, keys, o)
		if err != nil {
			yield(Hit{}, err)
			return
		}
		s := &search{archive: a, options: o}
		if s.where, err = newConditions(o.Where, o.Trees); err != nil {
			yield(Hit{}, err)
			return
		}
		s.run(ctx, tasks, yield)
	}
}

// run searches some partitions at a time, and yields in their order.
func (s *search) run(ctx context.Context, tasks []task, yield func(Hit, error) bool) {
	told := map[string]bool{}
	defer func() { s.tell(tasks) }()
	for r := range inOrder(ctx, len(tasks), partitionsAtOnce, func(ctx context.Context, i int, emit emitter) {
		s.partition(ctx, tasks[i], emit)
	}) {
		switch {
		case r.finding != nil:
			if text := r.finding.String(); s.options.Report != nil && !told[text] {
				told[text] = true
				s.options.Report(*r.finding)
			}
		case !yield(r.hit, r.err):
			return
		case r.err != nil && !isLost(r.err):
			return
		}
	}
	if err := ctx.Err(); err != nil {
		yield(Hit{}, err)
	}
}

func isLost(err error) bool {
	var lost *cover.LostError
	return errors.As(err, &lost)
}

// tell fills the caller's Stats.
func (s *search) tell(tasks []task) {
	st := s.options.Stats
	if st == nil {
		return
	}
	st.Blocks += s.blocks.Load()
	st.Opened += s.opened.Load()
	st.Segments += s.segments.Load()
	st.Again += s.again.Load()
	st.Unread += s.unread.Load()
	for _, t := range tasks {
		st.Partitions = append(st.Partitions, t.partition.Number)
	}
	slices.Sort(st.Partitions)
	st.Partitions = slices.Compact(st.Partitions)
}

// task is a partition, and the keys that may be in it.
type task struct {
	partition names.Partition
	keys      [][]byte // sorted; none: any key will do
}

// assign says what to look for in which partition.
func assign(ctx context.Context, a *cover.Archive, topic string, keys [][]byte, o Options) ([]task, error) {
	if len(keys) == 0 && len(o.Where) == 0 {
		return nil, nil
	}
	if o.Partitioner != nil && len(keys) > 0 {
		return assignByKey(ctx, a, topic, keys, o)
	}
	parts, err := a.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	keys = slices.SortedFunc(slices.Values(keys), bytes.Compare)
	var tasks []task
	for _, p := range parts {
		if len(o.Partitions) == 0 || slices.Contains(o.Partitions, p.Number) {
			tasks = append(tasks, task{p, keys})
		}
	}
	return tasks, nil
}

// holds reports whether a key is one of those looked for.
func (t *task) holds(key []byte) bool {
	if len(t.keys) == 0 {
		return true
	}
	if key == nil {
		return false
	}
	if len(t.keys) == 1 {
		return bytes.Equal(key, t.keys[0])
	}
	_, found := slices.BinarySearchFunc(t.keys, key, bytes.Compare)
	return found
}
