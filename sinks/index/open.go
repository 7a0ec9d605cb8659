package index

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Options are the choices of an Index; the zero value is a good one.
type Options struct {
	// Logger hears of damage and, at the debug level, of Badger; nil is silence.
	Logger *slog.Logger
	// Damaged is called from Open when files were set aside, with the folder
	// they are in now and the reason. The index is empty then: fill it from
	// the regions.
	Damaged func(folder string, reason error)
	// Free returns the free bytes of the disk with the directory; nil asks
	// the operating system.
	Free func(dir string) (int64, error)
	// MaxSize bounds Badger's files in bytes, not below 128 MiB; 0 is no bound.
	MaxSize int64
	// Now tells the time for the names of what is set aside; nil is time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Damaged == nil {
		o.Damaged = func(string, error) {}
	}
	if o.Free == nil {
		o.Free = freeSpace
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Open opens the index of an archive in a directory, which it makes if need
// be. Damaged files are set aside and the index begins empty.
//
// Errors: ErrOtherArchive, ErrForeign, ErrInUse, ErrNoSpace; none of them
// keeps an archive from running without an index.
func Open(path string, archive names.ArchiveID, opts Options) (*Index, error) {
	opts = opts.withDefaults()
	d, err := claim(path, archive)
	if err != nil {
		return nil, fmt.Errorf("open index %s: %w", path, err)
	}
	x := &Index{dir: d, opts: opts, unmeasured: measureEvery}
	if err := x.open(); err != nil {
		return nil, fmt.Errorf("open index %s: %w", path, errors.Join(err, d.release()))
	}
	return x, nil
}

func (x *Index) open() error {
	if err := x.checkSpace(); err != nil {
		return err
	}
	err := x.dir.inspect()
	if err == nil {
		err = x.openBadger()
	}
	if err == nil || !errors.Is(err, ErrDamaged) {
		return err
	}
	to, moveErr := x.dir.setAside(x.opts.Now())
	if moveErr != nil {
		return errors.Join(err, moveErr)
	}
	x.opts.Logger.Warn("set a damaged index aside, begin an empty one", "folder", to, "reason", err)
	x.opts.Damaged(to, err)
	return x.openBadger()
}

// openBadger leaves a note while Badger opens: if the process ends in there,
// the next one does not try again.
func (x *Index) openBadger() error {
	if err := x.dir.suspect("the process ended while the index was being opened"); err != nil {
		return err
	}
	if err := x.dir.remove(sumsFile); err != nil {
		return err
	}
	err := safely(func() (err error) {
		x.db, err = badger.Open(badgerOptions(x.dir.badger(), x.opts.Logger))
		return err
	})
	if err != nil && notDamage(err) {
		return errors.Join(err, x.dir.remove(suspectFile))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return x.dir.remove(suspectFile)
}

// notDamage tells an open that failed for reasons outside the files.
func notDamage(err error) bool { return errors.Is(err, fs.ErrPermission) || noSpace(err) }

func badgerOptions(path string, to *slog.Logger) badger.Options {
	return badger.DefaultOptions(path).
		WithLogger(logger{to}).
		WithMemTableSize(memtableSize).
		WithNumMemtables(memtables).
		WithNumLevelZeroTables(2).
		WithNumLevelZeroTablesStall(4).
		WithNumCompactors(2). // the fewest that Badger allows
		WithNumGoroutines(2).
		WithBlockCacheSize(blockCache).
		WithCompression(options.Snappy).
		WithValueThreshold(valueThreshold).
		WithValueLogFileSize(valueLogSize).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithDetectConflicts(false). // one writer at a time, by Index.writing
		WithMetricsEnabled(false)
}
