package signed_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

var instant = time.Date(2026, 11, 22, 10, 0, 0, 7e6, time.UTC)

func sealDocument(t *testing.T, s *signed.Signer, a names.ArchiveID, f names.Folder, doc any) (names.Document, []byte) {
	t.Helper()
	name, file, err := s.SealDocument(a, f, instant, doc)
	if err != nil {
		t.Fatal(err)
	}
	return name, file
}

func TestDocument(t *testing.T) {
	s := newSetting(t)
	for _, f := range names.Folders() {
		name, file := sealDocument(t, s.archiver, archive, f, note{"text"})
		back, err := names.ParseDocument(name.String())
		if err != nil || back != name || name.Writer != s.archiver.ID() {
			t.Errorf("%s: %v", name, err)
		}
		var n note
		if err := signed.OpenDocument(name, file, s.trust, &n); err != nil || n.Text != "text" {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

// A document counts under its own name, in its own folder and archive, only.
func TestDocumentsAreRefused(t *testing.T) {
	s := newSetting(t)
	name, file := sealDocument(t, s.archiver, archive, names.FolderMarks, note{"text"})
	with := func(change func(*names.Document)) names.Document {
		other := name
		change(&other)
		return other
	}
	foreign, foreignFile := sealDocument(t, s.archiver, names.ArchiveID{2}, names.FolderMarks, note{"text"})
	eraser, eraserFile := sealDocument(t, s.eraser, archive, names.FolderMarks, note{"text"})
	for what, c := range map[string]struct {
		name names.Document
		file []byte
	}{
		"another time":    {with(func(d *names.Document) { d.At = d.At.Add(time.Millisecond) }), file},
		"another writer":  {with(func(d *names.Document) { d.Writer[0]++ }), file},
		"another digest":  {with(func(d *names.Document) { d.Digest[0]++ }), file},
		"another folder":  {with(func(d *names.Document) { d.Folder = names.FolderDrills }), file},
		"another archive": {foreign, foreignFile},
		"another role":    {eraser, eraserFile},
	} {
		var n note
		if err := signed.OpenDocument(c.name, c.file, s.trust, &n); !errors.Is(err, signed.ErrSignature) || n.Text != "" {
			t.Errorf("%s: %+v, %v", what, n, err)
		}
	}
	var n note
	if err := signed.OpenDocument(with(func(d *names.Document) { d.Folder = "topics" }), file, s.trust, &n); err == nil {
		t.Error("a document in no folder for documents opened")
	}
	name, file = sealDocument(t, s.archiver, archive, names.FolderMarks, map[string]string{"text": "", "more": ""})
	if err := signed.OpenDocument(name, file, s.trust, &n); err == nil {
		t.Error("a document with a field too many opened")
	}
}

func TestDocumentTooLarge(t *testing.T) {
	s := newSetting(t)
	_, _, err := s.archiver.SealDocument(archive, names.FolderMarks, instant, note{strings.Repeat("x", signed.MaxFile)})
	if large := (*signed.SizeError)(nil); !errors.As(err, &large) || large.Size <= signed.MaxFile {
		t.Errorf("%v", err)
	}
	if _, _, err := s.archiver.SealDocument(archive, "topics", instant, note{}); err == nil {
		t.Error("sealed for a folder that is none")
	}
}
