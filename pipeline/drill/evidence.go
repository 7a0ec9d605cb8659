package drill

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Evidence is a result with the signature over it: a file of two lines, as every
// small signed file of an archive.
type Evidence struct {
	Name   names.Document
	File   []byte
	Result *Result
}

// Seal signs a result. The introduction is the file in which the archive's root
// vouches for the signer; it goes into the result, so that nothing but the
// pinned root is needed to check it. A result that is too long for a signed file
// is told in fewer rows.
func Seal(s *signed.Signer, introduction []byte, r *Result) (*Evidence, error) {
	kept := *r
	kept.Introduction = string(introduction)
	for {
		name, file, err := s.SealDocument(r.Archive, names.FolderDrills, kept.Started, &kept)
		if err == nil {
			return &Evidence{Name: name, File: file, Result: &kept}, nil
		}
		long := (*signed.SizeError)(nil)
		if !errors.As(err, &long) || len(kept.Partitions)+len(kept.Findings) < 2 {
			return nil, fmt.Errorf("sign the result of a drill: %w", err)
		}
		kept.cut(len(kept.Partitions) / 2)
		kept.Findings = kept.Findings[:min(len(kept.Findings), maxFindings/4)]
	}
}

// Check proves that a file is the result of a drill of the archive that t pins,
// signed by a key that its root introduced. The file alone is enough. An error
// wraps signed.ErrSignature where the file is not what it says.
func Check(file []byte, t *signed.Trust) (*Evidence, error) {
	loose, err := looseParts(file)
	if err != nil {
		return nil, fmt.Errorf("check the result of a drill: %w", err)
	}
	if loose.body.Document.Introduction != "" {
		if _, err := t.Introduce([]byte(loose.body.Document.Introduction)); err != nil {
			return nil, fmt.Errorf("check the result of a drill: its signer: %w", err)
		}
	}
	name := names.Document{
		Folder: names.FolderDrills, At: loose.body.At, Writer: loose.seal.Signer, Digest: names.Digest(sha256.Sum256(file)).Short(),
	}
	e := &Evidence{Name: name, File: file, Result: &Result{}}
	if err := signed.OpenDocument(name, file, t, e.Result); err != nil {
		return nil, fmt.Errorf("check the result of a drill: %w", err)
	}
	if e.Result.Archive != t.Archive() {
		return nil, fmt.Errorf("check the result of a drill: it tells of archive %s, this is %s: %w", e.Result.Archive, t.Archive(), signed.ErrSignature)
	}
	return e, nil
}

// loose is what a file says before anything is proven: enough to know whom to
// ask.
type loose struct {
	body struct {
		At       time.Time `json:"at"`
		Document struct {
			Introduction string `json:"signer_introduction"`
		} `json:"document"`
	}
	seal struct {
		Signer    names.SignerID `json:"signer"`
		Signature []byte         `json:"signature"`
	}
}

func looseParts(file []byte) (l loose, err error) {
	if len(file) > signed.MaxFile {
		return l, fmt.Errorf("%d bytes, above the limit of %d", len(file), signed.MaxFile)
	}
	first, second, ok := bytes.Cut(file, []byte("\n"))
	if !ok {
		return l, errors.New("want two lines, a document and its signature")
	}
	if err := json.Unmarshal(first, &l.body); err != nil {
		return l, fmt.Errorf("first line: %w", err)
	}
	if err := json.Unmarshal(second, &l.seal); err != nil {
		return l, fmt.Errorf("second line: %w", err)
	}
	return l, nil
}
