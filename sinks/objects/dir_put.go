package objects

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"
)

// Put implements Writer. The order is: temporary file, fsync, link to the name,
// fsync of the directory. link(2) is what makes it put-if-absent: it fails when
// the name exists, whoever made it, and the name never shows a file that is not
// whole and on disk. A kill before the link leaves a temporary file, one after
// it leaves the object.
func (d *Dir) Put(ctx context.Context, key string, body []byte, o PutOptions) error {
	if err := d.checkPut(ctx, key, body, o); err != nil {
		return err
	}
	if _, err := d.root.Lstat(filepath.FromSlash(key)); err == nil {
		return d.putTaken(key) // saves writing the file; the link decides all the same
	}
	temp, err := d.writeTemp(body)
	if err != nil {
		return d.fail("put", key, err)
	}
	defer d.root.Remove(temp) // the link stays; an error leaves a file for the sweep
	err = d.link(temp, key)
	if errors.Is(err, fs.ErrExist) {
		return d.putTaken(key)
	}
	if err != nil {
		return d.putFailed(key, err)
	}
	return nil
}

func (d *Dir) checkPut(ctx context.Context, key string, body []byte, o PutOptions) error {
	if err := d.begin(ctx, "put", key); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return invalid(d.Name(), "put", key, err)
	}
	if o.Mode != LockNone {
		return unlockable(d.Name(), key)
	}
	if o.HasCRC32C && o.CRC32C != crc32c(body) {
		return changed(d.Name(), key)
	}
	d.sweep.Do(d.sweepTemp)
	return nil
}

// writeTemp writes body to a new file under tempDir and returns its name when
// the bytes are on disk.
func (d *Dir) writeTemp(body []byte) (string, error) {
	if err := d.root.Mkdir(tempDir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	name := tempDir + "/" + rand.Text()
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return "", err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		d.root.Remove(name)
		return "", err
	}
	return name, nil
}

// link gives the temporary file its name and makes the name durable.
func (d *Dir) link(temp, key string) error {
	dir := parent(key)
	if err := d.makeDirs(dir); err != nil {
		return err
	}
	if err := d.root.Link(filepath.FromSlash(temp), filepath.FromSlash(key)); err != nil {
		d.ready.Delete(dir) // if it is missing, the next try makes it again
		return err
	}
	return d.syncDir(dir)
}

// putTaken tells an object from a directory, which also takes a name. The
// object's name is synced before it is called taken: the process that made it
// may have died before doing so, and the caller goes on from here.
func (d *Dir) putTaken(key string) error {
	fi, err := d.root.Lstat(filepath.FromSlash(key))
	if err == nil && !fi.Mode().IsRegular() {
		return &Error{Op: "put", Key: key, Store: d.Name(), Code: "NameIsDirectory", Kind: fs.ErrInvalid,
			Hint: "a directory store cannot hold both a name and names below it"}
	}
	if err := d.syncDir(parent(key)); err != nil {
		return d.fail("put", key, err)
	}
	return taken(d.Name(), key)
}

// putFailed adds the two errors that only a Put can meet.
func (d *Dir) putFailed(key string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return &Error{Op: "put", Key: key, Store: d.Name(), Code: "ParentIsObject", Kind: fs.ErrInvalid, Err: err,
			Hint: "a directory store cannot hold both a name and names below it"}
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Op: "put", Key: key, Store: d.Name(), Code: CodeIO, Retryable: true, Err: err,
			Hint: "the directory was removed while it was written to"}
	default:
		return d.fail("put", key, err)
	}
}

// makeDirs makes dir and all above it, each durable: a directory whose entry is
// lost in a power cut takes its objects with it. One that is already there is
// synced once by every process, since its maker may have died before doing so.
func (d *Dir) makeDirs(dir string) error {
	if dir == "." {
		return nil
	}
	if _, ok := d.ready.Load(dir); ok {
		return nil
	}
	up := path.Dir(dir)
	if err := d.makeDirs(up); err != nil {
		return err
	}
	err := d.root.Mkdir(filepath.FromSlash(dir), 0o750)
	if errors.Is(err, fs.ErrNotExist) {
		d.ready.Delete(up)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := d.syncDir(up); err != nil {
		return err
	}
	d.ready.Store(dir, struct{}{})
	return nil
}

// syncDir makes the names in dir durable.
func (d *Dir) syncDir(dir string) error {
	f, err := d.root.Open(filepath.FromSlash(dir))
	if err != nil {
		return err
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// sweepTemp removes what writers that were killed left behind. It does what it
// can: a file that stays costs space only.
func (d *Dir) sweepTemp() {
	entries, err := fs.ReadDir(d.root.FS(), tempDir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > staleTemp {
			d.root.Remove(tempDir + "/" + e.Name())
		}
	}
}

// parent is the directory of key, "." for the root.
func parent(key string) string { return path.Dir(key) }
