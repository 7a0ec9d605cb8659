package index

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// The names in an index's directory.
const (
	archiveFile   = "archive"
	lockFile      = "lock"
	badgerDir     = "badger"
	sumsFile      = "sums"
	suspectFile   = "suspect"
	damagedPrefix = badgerDir + ".damaged-"
)

// dir is the directory of an index, locked by us.
type dir struct {
	path string
	lock *os.File
}

// claim makes the directory ours, or says whose it is.
func claim(path string, archive names.ArchiveID) (*dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	if err := checkOwner(path, archive); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	d := &dir{path: path, lock: f}
	if err := d.write(archiveFile, []byte(archive.String()+"\n")); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return d, nil
}

// checkOwner refuses another archive's index, and a directory that somebody
// else uses, before anything is written.
func checkOwner(path string, archive names.ArchiveID) error {
	text, err := os.ReadFile(filepath.Join(path, archiveFile))
	if errors.Is(err, fs.ErrNotExist) {
		return checkEmpty(path)
	}
	if err != nil {
		return err
	}
	var owner names.ArchiveID
	if err := owner.UnmarshalText([]byte(strings.TrimSpace(string(text)))); err != nil {
		return fmt.Errorf("%w: its file %q: %w", ErrForeign, archiveFile, err)
	}
	if owner != archive {
		return fmt.Errorf("%w: %s, this is %s", ErrOtherArchive, owner, archive)
	}
	return nil
}

// checkEmpty allows what a kill before the first write leaves, and what is in
// the root of a new file system.
func checkEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != lockFile && e.Name() != "lost+found" && e.Name() != archiveFile+".new" {
			return fmt.Errorf("%w: it has %q", ErrForeign, e.Name())
		}
	}
	return nil
}

func (d *dir) release() error { return d.lock.Close() }

func (d *dir) file(name string) string { return filepath.Join(d.path, name) }

func (d *dir) badger() string { return d.file(badgerDir) }

// write replaces a small file as a whole.
func (d *dir) write(name string, body []byte) error {
	if err := os.WriteFile(d.file(name+".new"), body, 0o600); err != nil {
		return err
	}
	return os.Rename(d.file(name+".new"), d.file(name))
}

func (d *dir) remove(name string) error {
	err := os.Remove(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// suspect notes that Badger's files must not be opened again.
func (d *dir) suspect(reason string) error { return d.write(suspectFile, []byte(reason+"\n")) }

// inspect returns ErrDamaged with the reason if Badger must not see its
// files.
func (d *dir) inspect() error {
	reason, err := os.ReadFile(d.file(suspectFile))
	if err == nil {
		return fmt.Errorf("%w: last time: %s", ErrDamaged, strings.TrimSpace(string(reason)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.compareSums()
}

// setAside moves Badger's files out of the way and returns where to. Only the
// last ones are kept, for damage that repeats must not fill the disk.
func (d *dir) setAside(now time.Time) (string, error) {
	older, err := filepath.Glob(d.file(damagedPrefix + "*"))
	if err != nil {
		return "", err
	}
	for _, o := range older {
		if err := os.RemoveAll(o); err != nil {
			return "", err
		}
	}
	to := d.file(damagedPrefix + now.UTC().Format("20060102T150405.000000000Z"))
	if err := os.Rename(d.badger(), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return to, errors.Join(d.remove(sumsFile), d.remove(suspectFile))
}

// fileSum is a file as it was at a clean close.
type fileSum struct {
	Size   int64  `json:"size"`
	CRC32C uint32 `json:"crc32c"`
}

// sums reads all of Badger's files.
func (d *dir) sums() (map[string]fileSum, error) {
	entries, err := os.ReadDir(d.badger())
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]fileSum{}, nil
	}
	if err != nil {
		return nil, err
	}
	all := make(map[string]fileSum, len(entries))
	for _, e := range entries {
		s, err := sumFile(filepath.Join(d.badger(), e.Name()))
		if err != nil {
			return nil, err
		}
		all[e.Name()] = s
	}
	return all, nil
}

func sumFile(path string) (fileSum, error) {
	f, err := os.Open(path)
	if err != nil {
		return fileSum{}, err
	}
	defer f.Close()
	h := crc32.New(castagnoli)
	n, err := io.Copy(h, bufio.NewReaderSize(f, 1<<20))
	return fileSum{Size: n, CRC32C: h.Sum32()}, err
}

func (d *dir) writeSums() error {
	all, err := d.sums()
	if err != nil {
		return err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return d.write(sumsFile, append(text, '\n'))
}

// compareSums returns ErrDamaged if a file is not as it was at the last clean
// close. Without sums, after a kill, nothing is known and it is nil.
func (d *dir) compareSums() error {
	text, err := os.ReadFile(d.file(sumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var want map[string]fileSum
	if err := json.Unmarshal(text, &want); err != nil {
		return fmt.Errorf("%w: its sums: %w", ErrDamaged, err)
	}
	have, err := d.sums()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return compare(want, have)
}

func compare(want, have map[string]fileSum) error {
	for name, w := range want {
		h, ok := have[name]
		if !ok {
			return fmt.Errorf("%w: file %s is gone", ErrDamaged, name)
		}
		if h != w {
			return fmt.Errorf("%w: file %s has changed: %d bytes with CRC-32C %08x, want %d with %08x",
				ErrDamaged, name, h.Size, h.CRC32C, w.Size, w.CRC32C)
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("%w: file %s was added", ErrDamaged, name)
		}
	}
	return nil
}
