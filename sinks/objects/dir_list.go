package objects

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/codec/object"
)

// List implements Reader. It holds one directory's names for every level it is
// in, and opens none that lies wholly outside the question.
func (d *Dir) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		if err := checkPrefix(prefix); err != nil {
			yield(object.Info{}, invalid(d.Name(), "list", prefix, err))
			return
		}
		w := dirWalk{ctx: ctx, dir: d, prefix: prefix, after: after, yield: yield}
		base, _ := splitDir(prefix)
		w.walk(base)
	}
}

// dirWalk is one listing in progress.
type dirWalk struct {
	ctx           context.Context
	dir           *Dir
	prefix, after string
	yield         func(object.Info, error) bool
}

// walk yields what is in dir, which is "" or ends in a slash, and reports
// whether to go on.
func (w *dirWalk) walk(dir string) bool {
	if err := ended(w.ctx); err != nil {
		w.yield(object.Info{}, err)
		return false
	}
	entries, err := w.read(dir)
	if err != nil {
		w.yield(object.Info{}, w.dir.fail("list", w.prefix, err))
		return false
	}
	for _, e := range entries {
		if !w.visit(dir+e.Name(), e) {
			return false
		}
	}
	return true
}

// read returns dir's entries in the order of the keys they stand for. A
// directory sorts with its slash: "a.b" comes before "a/b", but "a" before
// "a.b". A directory that is not there is empty, but the root must be: one that
// was unmounted is not an empty archive.
func (w *dirWalk) read(dir string) ([]fs.DirEntry, error) {
	name := strings.TrimSuffix(dir, "/")
	if name == "" {
		name = "."
	}
	entries, err := fs.ReadDir(w.dir.root.FS(), name)
	if isAbsent(err) && name != "." {
		return nil, nil
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	return entries, err
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// visit handles one entry and reports whether to go on.
func (w *dirWalk) visit(key string, e fs.DirEntry) bool {
	switch {
	case key == tempDir:
		return true
	case e.IsDir():
		return !w.wanted(key+"/") || w.walk(key+"/")
	case !e.Type().IsRegular() || !strings.HasPrefix(key, w.prefix) || key <= w.after:
		return true
	}
	fi, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return true // deleted since the directory was read
	}
	if err != nil {
		w.yield(object.Info{}, w.dir.fail("list", key, err))
		return false
	}
	return w.yield(object.Info{Key: key, Size: fi.Size(), Modified: fi.ModTime()}, nil)
}

// wanted reports whether dir, which ends in a slash, can hold a key that is
// asked for.
func (w *dirWalk) wanted(dir string) bool {
	inPrefix := strings.HasPrefix(dir, w.prefix) || strings.HasPrefix(w.prefix, dir)
	return inPrefix && (dir > w.after || strings.HasPrefix(w.after, dir))
}
