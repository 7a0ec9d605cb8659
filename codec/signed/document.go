package signed

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// The kinds of documents outside the topics.
const (
	KindMark    = "mark"
	KindSchemas = "schemas"
	KindACLs    = "acls"
	KindDrill   = "drill"
)

// documentKinds are the kinds that a folder may hold.
var documentKinds = map[names.Folder]string{
	names.FolderMarks: KindMark, names.FolderSchemas: KindSchemas, names.FolderACLs: KindACLs, names.FolderDrills: KindDrill,
}

// KindOf returns the kind of a folder's documents, "" where it is not one for
// documents.
func KindOf(f names.Folder) string { return documentKinds[f] }

// envelope is what every document outside the topics begins with: it says whose
// it is and of when, so that a copy elsewhere, or under another time, is none.
type envelope struct {
	Archive  names.ArchiveID `json:"archive"`
	At       time.Time       `json:"at"`
	Document json.RawMessage `json:"document"`
}

// SealDocument writes a document of an archive as a signed file, and names it.
// at is cut down to a millisecond. A file above MaxFile is an error.
func (s *Signer) SealDocument(archive names.ArchiveID, f names.Folder, at time.Time, document any) (names.Document, []byte, error) {
	kind := KindOf(f)
	if kind == "" {
		return names.Document{}, nil, fmt.Errorf("seal document: folder %q is not one for documents", f)
	}
	body, err := encodeLine(document)
	if err != nil {
		return names.Document{}, nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	at = at.UTC().Truncate(time.Millisecond)
	file, err := s.Seal(kind, envelope{Archive: archive, At: at, Document: body})
	if err != nil {
		return names.Document{}, nil, err
	}
	if len(file) > MaxFile {
		return names.Document{}, nil, fmt.Errorf("seal %s: %w", kind, &SizeError{Size: len(file)})
	}
	name := names.Document{Folder: f, At: at, Writer: s.ID(), Digest: names.Digest(sha256.Sum256(file)).Short()}
	return name, file, nil
}

// SizeError reports a document that no reader would take.
type SizeError struct{ Size int }

func (e *SizeError) Error() string {
	return fmt.Sprintf("%d bytes, above the limit of %d for a signed file", e.Size, MaxFile)
}

// OpenDocument checks that a file found under a name is that document: signed
// by a key that t trusts for archiving, of the kind of its folder, of this
// archive, of the time, writer and digest in its name. It decodes what the
// envelope holds into a value, strictly. Errors wrap ErrSignature where the
// file is another than its name says.
func OpenDocument(name names.Document, file []byte, t *Trust, into any) error {
	kind := KindOf(name.Folder)
	if kind == "" {
		return fmt.Errorf("open document: folder %q is not one for documents", name.Folder)
	}
	var e envelope
	if err := Open(file, kind, t, RoleArchive, &e); err != nil {
		return err
	}
	if err := matches(name, file, e, t); err != nil {
		return fmt.Errorf("open %s: %w", kind, err)
	}
	if err := decodeStrict(e.Document, into); err != nil {
		return fmt.Errorf("open %s: %w", kind, err)
	}
	return nil
}

func matches(name names.Document, file []byte, e envelope, t *Trust) error {
	_, s, err := split(file)
	digest := names.Digest(sha256.Sum256(file)).Short()
	var rules []string
	rule := func(broken bool, text string) {
		if broken {
			rules = append(rules, text)
		}
	}
	rule(e.Archive != t.Archive(), fmt.Sprintf("it belongs to archive %s, this is %s", e.Archive, t.Archive()))
	rule(!e.At.Equal(name.At), fmt.Sprintf("it is of %s, its name says %s", e.At.Format(time.RFC3339Nano), name.At.Format(time.RFC3339Nano)))
	rule(s.Signer != name.Writer, fmt.Sprintf("it is signed by %s, its name says %s", s.Signer, name.Writer))
	rule(digest != name.Digest, fmt.Sprintf("its digest is %s, its name says %s", digest, name.Digest))
	if err == nil && len(rules) > 0 {
		err = fmt.Errorf("%s: %w", strings.Join(rules, "; "), ErrSignature)
	}
	return err
}
