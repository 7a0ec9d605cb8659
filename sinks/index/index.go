package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Index is an open catalogue. It is safe for concurrent use.
type Index struct {
	dir  *dir
	opts Options

	// writing makes reading the old entry and writing the new one one step. It
	// guards unmeasured, the entries put since the size was looked at.
	writing    sync.Mutex
	unmeasured int

	// using is held to read while db is in use, and to write to close it:
	// Badger unmaps its files under whoever still reads.
	using   sync.RWMutex
	db      *badger.DB
	stopped error // why db is closed; nil while it is open
}

// Put stores entries, together and each as a whole, and returns once a reader
// sees them; they are on disk some time later. Of an entry that is already
// there, the copies in regions that the new one does not name stay. An index
// that has reached its size is ErrFull and takes nothing until it is cleared.
func (x *Index) Put(ctx context.Context, entries ...Entry) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	err := x.use(ctx, func(db *badger.DB) error {
		if err := x.checkSpace(); err != nil {
			return err
		}
		if err := x.checkSize(db, len(entries)); err != nil {
			return err
		}
		return putAll(ctx, db, entries)
	})
	return x.settle("put into index", err)
}

// checkSize looks at the size of the tables every so many entries, and always
// while there is no room.
func (x *Index) checkSize(db *badger.DB, n int) error {
	if x.unmeasured += n; x.opts.MaxSize <= 0 || x.unmeasured < measureEvery {
		return nil
	}
	var size int64
	for _, t := range db.Tables() {
		size += int64(t.OnDiskSize)
	}
	if size+reserve >= x.opts.MaxSize {
		return fmt.Errorf("%w: tables of %d MiB, at most %d with its logs", ErrFull, size>>20, x.opts.MaxSize>>20)
	}
	x.unmeasured = 0
	return nil
}

// Clear forgets everything and gives the space back.
func (x *Index) Clear(ctx context.Context) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	err := x.use(ctx, func(db *badger.DB) error {
		x.unmeasured = 0
		return db.DropAll()
	})
	return x.settle("clear index", err)
}

func putAll(ctx context.Context, db *badger.DB, entries []Entry) error {
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		key := e.Range.String()
		old, err := get(db, key)
		if err == nil {
			e.merge(old)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		value, err := e.encode()
		if err != nil {
			return fmt.Errorf("entry %q: %w", key, err)
		}
		if err := batch.Set([]byte(key), value); err != nil {
			return err
		}
	}
	return batch.Flush()
}

// Get returns the entry of an object, or fs.ErrNotExist.
func (x *Index) Get(ctx context.Context, name names.Range) (*Entry, error) {
	var e *Entry
	err := x.use(ctx, func(db *badger.DB) (err error) {
		e, err = get(db, name.String())
		return err
	})
	return e, x.settle("get from index", err)
}

func get(db *badger.DB, key string) (*Entry, error) {
	value, err := getValue(db, key)
	if err != nil {
		return nil, err
	}
	return decode(key, value)
}

func getValue(db *badger.DB, key string) (value []byte, err error) {
	err = db.View(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte(key))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return fmt.Errorf("%q: %w", key, fs.ErrNotExist)
		}
		if err == nil {
			value, err = item.ValueCopy(nil)
		}
		return unreadable(err)
	})
	return value, err
}

// Delete forgets objects. One that is not there is no error.
func (x *Index) Delete(ctx context.Context, objects ...names.Range) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	err := x.use(ctx, func(db *badger.DB) error {
		if err := x.checkSpace(); err != nil {
			return err
		}
		batch := db.NewWriteBatch()
		defer batch.Cancel()
		for _, o := range objects {
			if err := batch.Delete([]byte(o.String())); err != nil {
				return err
			}
		}
		return batch.Flush()
	})
	return x.settle("delete from index", err)
}

// Range yields the entries of a partition whose base offset is at or above
// from, in the order of their names. What is put or deleted meanwhile may or
// may not be among them. An error ends it.
func (x *Index) Range(ctx context.Context, p names.Partition, from int64) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		seek := p.After(from)
		for {
			var entries []*Entry
			err := x.use(ctx, func(db *badger.DB) (err error) {
				entries, err = scan(db, p.Prefix(), seek)
				return err
			})
			if err != nil {
				yield(nil, x.settle("range over index", err))
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if len(entries) < page {
				return
			}
			seek = entries[page-1].Range.String() + "\x00"
		}
	}
}

// scan returns at most page entries from seek on.
func scan(db *badger.DB, prefix, seek string) (entries []*Entry, err error) {
	err = db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte(prefix), PrefetchValues: true, PrefetchSize: 64})
		defer it.Close()
		for it.Seek([]byte(seek)); it.Valid() && len(entries) < page; it.Next() {
			key := string(it.Item().Key())
			if err := it.Item().Value(func(value []byte) error {
				e, err := decode(key, value)
				entries = append(entries, e)
				return err
			}); err != nil {
				return unreadable(err)
			}
		}
		return nil
	})
	return entries, err
}

// SetTail notes the offset up to which a region holds everything of a
// partition.
func (x *Index) SetTail(ctx context.Context, p names.Partition, region string, offset int64) error {
	key, err := tailKey(p, region)
	if err != nil {
		return fmt.Errorf("set tail: %w", err)
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	err = x.use(ctx, func(db *badger.DB) error {
		if err := x.checkSpace(); err != nil {
			return err
		}
		return db.Update(func(txn *badger.Txn) error { return txn.Set([]byte(key), encodeTail(key, offset)) })
	})
	return x.settle("set tail", err)
}

// Tail returns the offset that SetTail noted last, or fs.ErrNotExist. It is
// where to begin to look, never where to go on from.
func (x *Index) Tail(ctx context.Context, p names.Partition, region string) (int64, error) {
	key, err := tailKey(p, region)
	if err != nil {
		return 0, fmt.Errorf("read tail: %w", err)
	}
	var offset int64
	err = x.use(ctx, func(db *badger.DB) error {
		value, err := getValue(db, key)
		if err == nil {
			offset, err = decodeTail(key, value)
		}
		return err
	})
	return offset, x.settle("read tail", err)
}
