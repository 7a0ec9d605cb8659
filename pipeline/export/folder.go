package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/tidemark-io/tidemark/pipeline/durable"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// The files of a directory that are not of a partition.
const (
	manifestName = "manifest.json"
	journalName  = "unfinished.jsonl"
	// partSuffix ends the name of a file that is being written.
	partSuffix = ".part"
)

// What an export holds is for whoever made it.
const (
	folderMode = 0o700
	fileMode   = 0o600
)

// InUseError reports a directory that an export cannot be written into.
type InUseError struct {
	Dir string
	// Why says what is there, and what to do.
	Why string
}

func (e *InUseError) Error() string { return fmt.Sprintf("directory %s: %s", e.Dir, e.Why) }

// place is one partition of an export, as its folder names it.
type place struct {
	topic  string
	number int32
}

func (p place) folder() string { return p.topic + "-" + strconv.Itoa(int(p.number)) }

// folder is the directory of an export. It is locked while it is open.
type folder struct {
	dir    string
	lock   *os.File
	plan   *restore.Plan // that the export began with
	format Format
	// finished are the files that earlier runs wrote, in order, and done the
	// partitions of which there are no more.
	finished map[place][]File
	done     map[place]bool
	journal  *journal
	// complete is the manifest of an export that is done.
	complete *Manifest
	// create makes a file; a test makes the disk full by it.
	create func(name string) (sink, error)
}

// openFolder claims the directory for a plan, or goes on with what an earlier
// run of the same request left there.
func openFolder(ctx context.Context, dir string, plan *restore.Plan, format Format) (_ *folder, err error) {
	f := &folder{dir: dir, plan: plan, format: format, finished: map[place][]File{}, done: map[place]bool{}, create: createFile}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, err
	}
	if f.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	if err = f.claim(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *folder) claim(ctx context.Context) error {
	switch _, err := os.Stat(f.path(manifestName)); {
	case err == nil:
		return f.recognise(ctx)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	switch _, err := os.Stat(f.path(journalName)); {
	case err == nil:
		return f.resume(ctx)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return f.inUse("it is not empty (%s is there): name another, or one that does not exist", entries[0].Name())
	}
	f.journal, err = beginJournal(f.path(journalName), heading{journalVersion, f.format, f.plan}, nil)
	return err
}

// recognise accepts a complete export of the same request, if all its files are
// as the manifest has them.
func (f *folder) recognise(ctx context.Context) error {
	b, err := os.ReadFile(f.path(manifestName))
	if err != nil {
		return err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return f.inUse("its %s cannot be read (%v): name another directory", manifestName, err)
	}
	if m.Version != manifestVersion || m.Request != f.plan.RequestDigest || m.Format != f.format {
		return f.inUse("it holds an export of another request or format: name another directory")
	}
	for _, p := range m.Partitions {
		for _, file := range p.Files {
			if err := f.check(ctx, file); err != nil {
				return f.inUse("it holds a complete export of this request, but %v: remove the directory to export again", err)
			}
		}
	}
	f.complete = &m
	return removeIfThere(f.path(journalName)) // a crash left it beside the manifest
}

// resume takes over what the journal names and removes what it does not.
func (f *folder) resume(ctx context.Context) error {
	head, notes, err := readJournal(f.path(journalName))
	if err != nil {
		return err
	}
	if head.Plan.RequestDigest != f.plan.RequestDigest || head.Format != f.format {
		return f.inUse("it holds an unfinished export of another request or format (%s): repeat that one to finish it, or name another directory", head.Format)
	}
	f.plan = head.Plan
	kept, err := f.keep(ctx, notes)
	if err != nil {
		return err
	}
	if err := f.sweep(kept); err != nil {
		return err
	}
	f.journal, err = beginJournal(f.path(journalName), head, kept)
	return err
}

// keep returns the notes that still hold. Behind the first file of a partition
// that is not as it was, nothing of that partition counts.
func (f *folder) keep(ctx context.Context, notes []note) ([]note, error) {
	var kept []note
	broken := map[place]bool{}
	for _, n := range notes {
		at := n.place()
		if broken[at] {
			continue
		}
		if n.File != nil {
			err := f.check(ctx, *n.File)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				broken[at] = true
				continue
			}
			f.finished[at] = append(f.finished[at], *n.File)
		}
		f.done[at] = n.Done
		kept = append(kept, n)
	}
	return kept, nil
}

// ourName is what a file of a partition is called, finished or not.
var ourName = regexp.MustCompile(`^\d{20}\.[a-z]+(\.part)?$`)

// sweep removes files of partitions that are not kept, and refuses whatever an
// export does not make.
func (f *folder) sweep(kept []note) error {
	keep := map[string]bool{journalName: true}
	for _, n := range kept {
		if n.File != nil {
			keep[n.File.Name] = true
		}
	}
	folders := map[string]bool{".": true}
	for _, t := range f.plan.Topics {
		for _, p := range t.Partitions {
			folders[place{t.Into, p.Number}.folder()] = true
		}
	}
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(f.dir, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && folders[name], keep[name]:
			return nil
		case !d.IsDir() && folders[filepath.ToSlash(filepath.Dir(name))] && ourName.MatchString(d.Name()), durable.IsTemporary(d.Name()):
			return os.Remove(path)
		}
		return f.inUse("it holds %s, which is not of this export: move it elsewhere", name)
	})
}

func (f *folder) inUse(format string, args ...any) error {
	return &InUseError{Dir: f.dir, Why: fmt.Sprintf(format, args...)}
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// finish writes the manifest; from then on the export is complete.
func (f *folder) finish(m Manifest) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := durable.Replace(f.path(manifestName), b); err != nil {
		return err
	}
	return removeIfThere(f.path(journalName))
}

func (f *folder) close() error {
	var err error
	if f.journal != nil {
		err = f.journal.close()
	}
	return errors.Join(err, f.lock.Close())
}
