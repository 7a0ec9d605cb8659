package index

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// endsFile is one file of ends.
type endsFile struct {
	path    string
	size    int64
	changed time.Time
}

// Trim removes the files that were written to least recently until the rest is
// within its bound with some room, and returns the bytes that are left. It is
// done at times while ends are kept.
func (e *Ends) Trim() (int64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	left, err := e.trimmed()
	return left, err
}

func (e *Ends) trim() error {
	_, err := e.trimmed()
	return err
}

func (e *Ends) trimmed() (int64, error) {
	files, folders, err := e.files()
	if err != nil {
		return 0, err
	}
	var total int64
	for _, f := range files {
		total += f.size
	}
	slices.SortStableFunc(files, func(a, b endsFile) int { return a.changed.Compare(b.changed) })
	for _, f := range files {
		if total <= e.limit {
			break
		}
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
			return total, err
		}
		_ = os.Remove(filepath.Dir(f.path)) // if it is empty now
		delete(e.sound, f.path)
		total -= f.size
	}
	e.written = 0
	e.rotate = max(min(e.opts.MaxSize/int64(filesEach*max(folders, 1)), maxEndsFile), minEndsFile)
	return total, nil
}

// files returns all files of ends, and the number of their folders.
func (e *Ends) files() (files []endsFile, folders int, err error) {
	last := ""
	err = filepath.WalkDir(e.path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		if _, ok := fileNumber(d.Name()); !ok {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return gone(err)
		}
		if folder := filepath.Dir(path); folder != last {
			last, folders = folder, folders+1
		}
		files = append(files, endsFile{path, info.Size(), info.ModTime()})
		return nil
	})
	return files, folders, err
}

// gone passes over what another process removed meanwhile.
func gone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
