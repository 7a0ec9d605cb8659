package state

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/pipeline/state/runs"
)

// Build reads a topic and finds the rows of its table. An [UnreadableError]
// comes with a table that has only its counts; every other error with none. The
// caller closes the table.
func Build(ctx context.Context, src Source, o Options) (*Table, error) {
	if o.Form == "" {
		o.Form = FormAuto
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("build table: %w", err)
	}
	files, err := runs.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	b := &builder{o: &o, src: src, files: files, dictionary: newDictionary()}
	workers, err := b.read(ctx)
	t := &Table{topic: o.Topic, options: &o}
	for _, w := range workers {
		t.sorters = append(t.sorters, w.sorter)
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	if err := t.gather(workers, b.dictionary); err != nil {
		return t.orNothing(err)
	}
	return t.orNothing(t.survey(ctx))
}

// orNothing closes a table that cannot be given.
func (t *Table) orNothing(err error) (*Table, error) {
	if err == nil {
		return t, nil
	}
	t.Close()
	if unread := (*UnreadableError)(nil); errors.As(err, &unread) {
		return t, err
	}
	return nil, err
}

// builder reads.
type builder struct {
	o          *Options
	src        Source
	files      *runs.Files
	dictionary *dictionary
	done       atomic.Int64
}

// worker reads whole partitions, one after the other: all versions of a row
// that one partition has come to one sorter, in their order.
type worker struct {
	*reader
	sorter     *runs.Sorter
	unreadable []Unreadable
	key, value []byte
}

func (b *builder) newWorker(memory int64) *worker {
	w := &worker{sorter: b.files.NewSorter(int(memory), fold)}
	w.reader = newReader(b.o, b.dictionary, w.store)
	return w
}

// store puts a version under its row and partition.
func (w *worker) store(identity []byte, partition int32, v *version) error {
	w.key = binary.BigEndian.AppendUint32(append(w.key[:0], identity...), uint32(partition))
	w.value = v.append(w.value[:0])
	return w.sorter.Put(w.key, w.value)
}

// read gives every worker partitions until none is left.
func (b *builder) read(ctx context.Context) ([]*worker, error) {
	partitions := slices.Sorted(slices.Values(b.src.Partitions()))
	n := max(1, min(b.o.Workers, len(partitions)))
	var next sync.Mutex
	take := func() (p int32, ok bool) {
		next.Lock()
		defer next.Unlock()
		if len(partitions) == 0 {
			return 0, false
		}
		p, partitions = partitions[0], partitions[1:]
		return p, true
	}
	var workers []*worker
	group, ctx := errgroup.WithContext(ctx)
	for range n {
		w := b.newWorker(b.o.Memory / int64(n))
		workers = append(workers, w)
		group.Go(func() error {
			for p, ok := take(); ok; p, ok = take() {
				if err := b.partition(ctx, w, p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return workers, group.Wait()
}

// tellEvery is after how many records progress is told.
const tellEvery = 1024

func (b *builder) partition(ctx context.Context, w *worker, number int32) error {
	w.reader.partition = number
	before := w.counts.Records
	for rec, err := range b.src.Records(ctx, number) {
		if err == nil {
			err = w.take(ctx, &rec)
		}
		if one := (*unreadable)(nil); errors.As(err, &one) {
			w.refuse(Place{number, rec.Offset, rec.Timestamp}, one.reason)
			err = nil
		}
		if err != nil {
			return err
		}
		if n := w.counts.Records - before; n%tellEvery == 0 {
			b.tell(tellEvery)
		}
	}
	b.tell((w.counts.Records - before) % tellEvery)
	return ctx.Err()
}

func (b *builder) tell(n int64) {
	if total := b.done.Add(n); b.o.Progress != nil {
		b.o.Progress(total)
	}
}

// refuse lists a record that cannot be read.
func (w *worker) refuse(at Place, reason string) {
	w.counts.Unreadable++
	if len(w.unreadable) < maxListed {
		w.unreadable = append(w.unreadable, Unreadable{at, reason})
	}
}

// gather joins what the workers have learnt.
func (t *Table) gather(workers []*worker, d *dictionary) error {
	t.names, t.seen, t.keys, t.snapshots = d.names, seenKinds{}, map[string]bool{}, snapshots{}
	sources, first := map[string]bool{}, map[form]Place{}
	for _, w := range workers {
		t.Counts.add(w.counts)
		t.Unreadable = append(t.Unreadable, w.unreadable...)
		t.truncates = append(t.truncates, w.truncates...)
		t.seen.merge(w.seen)
		maps.Copy(t.keys, w.keys)
		maps.Copy(t.snapshots, w.snapshots)
		for name := range w.sources {
			sources[name] = true
		}
		for f, at := range w.first {
			if had, ok := first[f]; !ok || byPlace(at, had) < 0 {
				first[f] = at
			}
		}
	}
	if len(t.options.KeyColumns) > 0 {
		clear(t.keys)
	}
	for _, c := range t.options.KeyColumns {
		t.keys[c] = true
	}
	slices.SortFunc(t.Unreadable, func(a, b Unreadable) int { return byPlace(a.Place, b.Place) })
	t.Unreadable = t.Unreadable[:min(len(t.Unreadable), maxListed)]
	t.Sources = slices.Sorted(maps.Keys(sources))
	return t.judge(first)
}

func byPlace(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
}

// judge refuses what is not one table.
func (t *Table) judge(first map[form]Place) error {
	if t.options.Form == FormAuto && len(first) > 1 {
		return &MixedError{Topic: t.topic, Changes: first[formChanges], Rows: first[formRows]}
	}
	if len(t.Sources) > 1 && len(t.options.Tables) == 0 {
		return &TablesError{Topic: t.topic, Tables: t.Sources}
	}
	if t.Counts.Unreadable > 0 && !t.options.SkipUnreadable {
		return &UnreadableError{Topic: t.topic, Count: t.Counts.Unreadable, Records: t.Unreadable}
	}
	if t.Counts.Messages > 0 && t.Counts.Messages == t.Counts.Records {
		return &NoTableError{Topic: t.topic, Reason: "nothing but logical decoding messages"}
	}
	return nil
}
