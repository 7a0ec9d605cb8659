package vectors_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
)

// manifest is vectors.json.
type manifest struct {
	Archive names.ArchiveID   `json:"archive"`
	Root    ed25519.PublicKey `json:"root_public_key"`
	// Signers are the texts of signer files.
	Signers []string `json:"signers"`
	Vectors []vector `json:"vectors"`
}

// vector is one file and what a reader must find.
type vector struct {
	File  string `json:"file"`
	About string `json:"about"`
	// Name is the object name under which the file was found.
	Name string `json:"name"`
	// Secret is the segment's secret in hex, as far as the reader knows.
	Secret string `json:"secret"`
	// Outcome is that of reading everything; with several errors, the first in
	// the order of FORMAT.md.
	Outcome string `json:"outcome"`
	// Blocks and LogSHA256 are set for ok: how many blocks, and the SHA-256 of
	// all bodies in one, in hex.
	Blocks    int    `json:"blocks,omitempty"`
	LogSHA256 string `json:"log_sha256,omitempty"`
	// Present and Absent are record keys that the filters say maybe and no to:
	// of any block, and of every block.
	Present []string `json:"present,omitempty"`
	Absent  []string `json:"absent,omitempty"`
	// Fields are those that some filter covers, with values that filters say
	// maybe and no to.
	Fields []fieldVector `json:"fields,omitempty"`
}

// fieldVector is a field by its paths, and values of it in canonical form.
type fieldVector struct {
	Paths   []string `json:"paths"`
	Present []string `json:"present"`
	Absent  []string `json:"absent"`
}

// id is computed as FORMAT.md, section 1.4, says.
func (f fieldVector) id() block.FieldID {
	paths := slices.Sorted(slices.Values(f.Paths))
	sum := sha256.Sum256([]byte("tidemark/1 field rule\n" + strings.Join(paths, "\n") + "\n"))
	return block.FieldID(sum[:8])
}

const manifestFile = "vectors.json"

func loadManifest(t testing.TB) manifest {
	t.Helper()
	b, err := os.ReadFile(manifestFile)
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (v vector) secret(t testing.TB) block.Secret {
	t.Helper()
	b, err := hex.DecodeString(v.Secret)
	if err != nil || len(b) != 32 {
		t.Fatalf("%s: secret of %d bytes: %v", v.File, len(b), err)
	}
	return block.Secret(b)
}
