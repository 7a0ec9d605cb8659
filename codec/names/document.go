package names

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Folder is a place of small signed files outside the topics. Its text is the
// folder's name, without a slash.
type Folder string

// The folders, and what their documents tell.
const (
	// FolderMarks: at this instant, these tails and these consumer-group offsets.
	FolderMarks Folder = "marks"
	// FolderSchemas: subjects and versions of a schema registry.
	FolderSchemas Folder = "schemas"
	// FolderACLs: who may do what with the topics.
	FolderACLs Folder = "acls"
	// FolderDrills: what restoring on trial brought.
	FolderDrills Folder = "drills"
)

// Folders returns all folders, sorted.
func Folders() []Folder { return []Folder{FolderACLs, FolderDrills, FolderMarks, FolderSchemas} }

// Prefix returns what the names of all documents of a folder begin with.
func (f Folder) Prefix() string { return string(f) + "/" }

func (f Folder) check() error {
	switch f {
	case FolderMarks, FolderSchemas, FolderACLs, FolderDrills:
		return nil
	}
	return fmt.Errorf("folder %q is not one for documents", string(f))
}

// Document is a small signed file outside the topics. Two writers may write in
// the same millisecond, and one writer two documents: the digest keeps their
// names apart.
type Document struct {
	Folder Folder
	// At is the instant that the document speaks of, in milliseconds, UTC.
	At time.Time
	// Writer is the key that signed it.
	Writer SignerID
	// Digest is the beginning of the SHA-256 of the whole file.
	Digest Short
}

// String returns the document's name: <folder>/<time>-<writer>-<digest>.json.
// Names sort by folder and then by time.
func (d Document) String() string {
	return fmt.Sprintf("%s%s-%s-%s.json", d.Folder.Prefix(), d.At.UTC().Format(timeLayout), d.Writer, d.Digest)
}

// From returns the name to give to LIST so that it begins with the first
// document of the folder at or after an instant.
func (f Folder) From(at time.Time) string {
	return f.Prefix() + at.UTC().Truncate(time.Millisecond).Format(timeLayout)
}

// IsDocument reports whether a name lies in one of the folders for documents.
// ParseDocument tells whether tidemark could have given it.
func IsDocument(name string) bool {
	folder, _, ok := strings.Cut(name, "/")
	return ok && Folder(folder).check() == nil
}

// ParseDocument reads a name that Document.String wrote.
func ParseDocument(name string) (Document, error) {
	d, err := parseDocument(name)
	if err == nil && d.String() != name {
		err = fmt.Errorf("not in canonical form, want %q", d)
	}
	if err != nil {
		return Document{}, fmt.Errorf("document %q: %w", name, err)
	}
	return d, nil
}

func parseDocument(name string) (Document, error) {
	folder, file, ok := strings.Cut(name, "/")
	d := Document{Folder: Folder(folder)}
	if !ok {
		return d, errors.New("want <folder>/<time>-<writer>-<digest>.json")
	}
	if err := d.Folder.check(); err != nil {
		return d, err
	}
	stem, ok := strings.CutSuffix(file, ".json")
	fields := strings.Split(stem, "-")
	if !ok || len(fields) != 3 || len(fields[1]) != 2*len(d.Writer) || len(fields[2]) != 2*len(d.Digest) {
		return d, errors.New("want <time>-<writer>-<digest>.json, with 16 hex digits each")
	}
	var err error
	if d.At, err = time.Parse(timeLayout, fields[0]); err != nil {
		return d, fmt.Errorf("time: %w", err)
	}
	if _, err := hex.Decode(d.Writer[:], []byte(fields[1])); err != nil {
		return d, fmt.Errorf("writer: %w", err)
	}
	if _, err := hex.Decode(d.Digest[:], []byte(fields[2])); err != nil {
		return d, fmt.Errorf("digest: %w", err)
	}
	return d, nil
}
