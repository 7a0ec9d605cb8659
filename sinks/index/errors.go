package index

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Why an index refuses. An entry that is not there is fs.ErrNotExist.
var (
	// ErrOtherArchive: the directory is the index of another archive.
	ErrOtherArchive = errors.New("directory belongs to another archive")
	// ErrForeign: the directory holds other things than an index.
	ErrForeign = errors.New("directory is not empty and not an index")
	// ErrInUse: another process, or another Index of this one, has it open.
	ErrInUse = errors.New("index is in use")
	// ErrNoSpace: the disk is nearly full. The index has stopped and stays so
	// until it is opened again; archiving goes on without it.
	ErrNoSpace = errors.New("too little disk space for the index")
	// ErrFull: the index has reached the size it may have. Clear empties it.
	ErrFull = errors.New("index is full")
	// ErrDamaged: the files are not what was written. The index has stopped;
	// the next Open sets them aside.
	ErrDamaged = errors.New("index is damaged")
	// ErrClosed: the index was closed.
	ErrClosed = errors.New("index is closed")
)

// unreadable makes ErrDamaged of an error of Badger's while reading.
func unreadable(err error) error {
	if err == nil || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// safely turns a panic or a memory fault under f into ErrDamaged: Badger
// panics on some damage, and reading a mapped file that the disk cannot give is
// a SIGBUS. It protects this goroutine only.
func safely(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return f()
}
