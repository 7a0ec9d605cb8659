package index

import (
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// use calls f with the database, which stays open until f returns.
func (x *Index) use(ctx context.Context, f func(*badger.DB) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	x.using.RLock()
	defer x.using.RUnlock()
	if x.stopped != nil {
		return x.stopped
	}
	return safely(func() error { return f(x.db) })
}

// settle names the operation in an error, and stops an index that can no
// longer be used. No lock may be held but writing.
func (x *Index) settle(what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrNoSpace) {
		x.stop(err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// checkSpace returns ErrNoSpace when the disk is nearly full.
func (x *Index) checkSpace() error {
	free, err := x.opts.Free(x.dir.path)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free < headroom {
		return fmt.Errorf("%w: %d MiB free, want %d", ErrNoSpace, free>>20, headroom>>20)
	}
	return nil
}

// stop closes the database so that none of Badger's goroutines writes to a
// full disk or reads what is damaged. It stays stopped until it is opened
// again.
func (x *Index) stop(reason error) {
	x.using.Lock()
	defer x.using.Unlock()
	if x.stopped != nil {
		return
	}
	x.opts.Logger.Warn("the index has stopped; archiving goes on without it", "reason", reason)
	if err := x.shut(reason); err != nil {
		x.opts.Logger.Warn("close a stopped index", "error", err)
	}
}

// Close waits for calls under way and closes the index; later ones are
// ErrClosed. It may be called twice.
func (x *Index) Close() error {
	x.using.Lock()
	defer x.using.Unlock()
	var err error
	if x.stopped == nil {
		err = x.shut(ErrClosed)
	}
	if errors.Is(x.stopped, errReleased) {
		return nil
	}
	x.stopped = errReleased
	if err = errors.Join(err, x.dir.release()); err != nil {
		return fmt.Errorf("close index: %w", err)
	}
	return nil
}

// errReleased is ErrClosed, once the directory's lock is let go.
var errReleased = fmt.Errorf("%w", ErrClosed)

// shut closes the database and notes how it was left. using is held.
func (x *Index) shut(reason error) error {
	x.stopped = reason
	db := x.db
	x.db = nil
	if errors.Is(reason, ErrDamaged) {
		if err := x.dir.suspect(reason.Error()); err != nil {
			return err
		}
	}
	if err := safely(db.Close); err != nil {
		return errors.Join(err, x.dir.suspect("closing failed: "+err.Error()))
	}
	if errors.Is(reason, ErrDamaged) {
		return nil
	}
	return x.dir.writeSums()
}
