// Package durable puts small files of our own in place so that a crash, or a
// power cut, leaves the old file or the new one and never a part of either:
// states to resume from, plans, manifests.
package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Temporary is how the names of files begin that are not in place yet. One that
// is found later was left by a crash.
const Temporary = ".tidemark-"

// IsTemporary reports whether a file, by its name without its folder, was never
// put in place.
func IsTemporary(name string) bool { return strings.HasPrefix(name, Temporary) }

// Replace makes b all that the file holds, with mode 0600, whether it was there
// or not. It returns after the file would survive a power cut.
func Replace(file string, b []byte) error {
	dir := filepath.Dir(file)
	tmp, err := os.CreateTemp(dir, Temporary+"*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already if all went well
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir returns after the names in a folder would survive a power cut.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
