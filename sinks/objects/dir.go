package objects

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/tidemark-io/tidemark/codec/object"
)

// tempDir holds files that are still being written. No key begins with it and
// no list shows it, so what a kill leaves there is never seen.
const tempDir = ".tmp"

// Dir keeps objects as files below one directory. A slash in a key is a
// directory, so a key that is the beginning of another ("a" and "a/b") cannot be
// stored; the archive has no such names. It has neither versions nor locks:
// whoever can write to the disk can delete. Several processes may share it.
type Dir struct {
	root  *os.Root
	path  string
	limit int64

	// ready holds the directories whose own entry is known to be on disk.
	ready sync.Map
	sweep sync.Once
}

// DirOptions are the settings of a Dir.
type DirOptions struct {
	// GetLimit bounds Get in bytes; 0 is DefaultGetLimit.
	GetLimit int64
	// Create makes the directory if it does not exist.
	Create bool
}

// OpenDir opens the store below path. Close it when done. A path that does not
// exist is fs.ErrNotExist unless o.Create is set: a region that is not mounted
// must not look like an empty one.
func OpenDir(path string, o DirOptions) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open directory store: %w", err)
	}
	if o.Create {
		if err := os.MkdirAll(abs, 0o750); err != nil {
			return nil, fmt.Errorf("make directory store: %w", err)
		}
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("open directory store: %w", err)
	}
	return &Dir{root: root, path: abs, limit: getLimit(o.GetLimit)}, nil
}

// Close implements Store.
func (d *Dir) Close() error { return d.root.Close() }

// Name implements Inspector.
func (d *Dir) Name() string { return "file://" + filepath.ToSlash(d.path) }

// Capabilities implements Inspector. The clock is our own, so its skew is 0.
func (d *Dir) Capabilities(ctx context.Context) (Capabilities, error) {
	return Capabilities{HasSkew: true}, ended(ctx)
}

// Get implements Reader.
func (d *Dir) Get(ctx context.Context, key string) ([]byte, error) {
	f, size, err := d.open(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > d.limit {
		return nil, tooLarge(d.Name(), key, size, d.limit)
	}
	body := make([]byte, size)
	if n, err := io.ReadFull(f, body); err != nil {
		return nil, d.readError("get", key, err, int64(n), size)
	}
	return body, nil
}

// ReadAt implements Reader.
func (d *Dir) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, invalid(d.Name(), "readat", key, errors.New("negative offset"))
	}
	f, _, err := d.open(ctx, "readat", key)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := f.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, d.fail("readat", key, err)
	}
	return n, err
}

// Stat implements Reader. It reads the whole file for its checksum.
func (d *Dir) Stat(ctx context.Context, key string) (object.Info, error) {
	f, size, err := d.open(ctx, "stat", key)
	if err != nil {
		return object.Info{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return object.Info{}, d.fail("stat", key, err)
	}
	h := crc32.New(castagnoli)
	n, err := io.Copy(h, f)
	if err != nil || n != size {
		return object.Info{}, d.readError("stat", key, err, n, size)
	}
	return object.Info{Key: key, Size: size, CRC32C: h.Sum32(), HasCRC32C: true, Modified: fi.ModTime()}, nil
}

// Versions implements Deleter: the object itself is the only version.
func (d *Dir) Versions(ctx context.Context, key string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		f, size, err := d.open(ctx, "versions", key)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(object.Info{}, err)
			return
		}
		fi, err := f.Stat()
		f.Close()
		if err != nil {
			yield(object.Info{}, d.fail("versions", key, err))
			return
		}
		yield(object.Info{Key: key, Size: size, Modified: fi.ModTime()}, nil)
	}
}

// DeleteVersion implements Deleter; version must be empty.
func (d *Dir) DeleteVersion(ctx context.Context, key, version string) error {
	if err := d.begin(ctx, "delete", key); err != nil {
		return err
	}
	if version != "" {
		return nil // no such version: already gone
	}
	err := d.root.Remove(filepath.FromSlash(key))
	if isAbsent(err) {
		return nil
	}
	if err == nil {
		err = d.syncDir(parent(key))
	}
	if err != nil {
		return d.fail("delete", key, err)
	}
	return nil
}

// begin is what every call on one key checks first.
func (d *Dir) begin(ctx context.Context, op, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if err := CheckKey(key); err != nil {
		return invalid(d.Name(), op, key, err)
	}
	if first, _, _ := strings.Cut(key, "/"); first == tempDir {
		return invalid(d.Name(), op, key, errors.New("name is reserved for temporary files"))
	}
	return nil
}

// open opens the file of key and returns its length. Anything that is not a
// regular file is not an object.
func (d *Dir) open(ctx context.Context, op, key string) (*os.File, int64, error) {
	if err := d.begin(ctx, op, key); err != nil {
		return nil, 0, err
	}
	fi, err := d.root.Lstat(filepath.FromSlash(key))
	if err != nil {
		return nil, 0, d.fail(op, key, err)
	}
	if !fi.Mode().IsRegular() {
		return nil, 0, absent(d.Name(), op, key)
	}
	f, err := d.root.Open(filepath.FromSlash(key))
	if err != nil {
		return nil, 0, d.fail(op, key, err)
	}
	return f, fi.Size(), nil
}

// readError tells a file that is shorter than it was from one that cannot be
// read.
func (d *Dir) readError(op, key string, err error, have, want int64) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return short(d.Name(), op, key, have, want)
	}
	return d.fail(op, key, err)
}

// fail classifies an error of the file system by its number.
func (d *Dir) fail(op, key string, err error) error {
	e := &Error{Op: op, Key: key, Store: d.Name(), Code: CodeIO, Err: err}
	switch {
	case isAbsent(err):
		return absent(d.Name(), op, key)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Kind, e.Hint = fs.ErrPermission, "give this user read and write access to the directory"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Retryable, e.Hint = true, "the disk is full"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EAGAIN):
		e.Retryable = true
	}
	return e
}

// isAbsent is also true when a part of the path is a file: then nothing is
// below it.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
