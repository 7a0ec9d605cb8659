package vectors_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

var update = flag.Bool("update", false, "make all vectors anew")

// maker makes the vectors. Its keys come from fixed words.
type maker struct {
	t        *testing.T
	archiver *signed.Signer
	manifest manifest
}

// TestUpdate replaces the vectors when the flag asks for it.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("vectors are committed; -update makes them anew")
	}
	archive := names.ArchiveID(bytes.Repeat([]byte{0xa1}, 16))
	root, archiver := signerOf("root", signed.RoleRoot), signerOf("archiver", signed.RoleArchive)
	m := &maker{t: t, archiver: archiver, manifest: manifest{Archive: archive, Root: root.Public()}}
	file, err := root.Seal(signed.KindSigner, signed.Introduction{
		Archive: archive, Role: signed.RoleArchive, Key: archiver.Public(), Created: time.Unix(1_790_000_000, 0).UTC(),
	})
	m.must(err)
	m.manifest.Signers = []string{string(file)}
	m.good()
	m.torn()
	m.flipped()
	m.misplaced()
	m.foreign()
	m.save()
	makeProof(t)
	writeExample(t)
}

func signerOf(word string, role signed.Role) *signed.Signer {
	seed := sha256.Sum256([]byte("tidemark test vectors: " + word))
	return signed.NewSigner(role, ed25519.NewKeyFromSeed(seed[:]))
}

func secretOf(word string) block.Secret {
	return sha256.Sum256([]byte("tidemark test vectors: secret of " + word))
}

func (m *maker) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *maker) header(base int64) segment.Header {
	return segment.Header{
		Archive: m.manifest.Archive, Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{0x70}, Branch: names.RootBranch},
		Parent: names.RootBranch, Partition: 3, Base: base, Page: names.PageID{0x9a}, Slot: 7, Writer: [16]byte{0x3f},
		Created: time.UnixMilli(1_790_000_000_123), RetainUntil: time.UnixMilli(1_790_600_000_000),
	}
}

// batch has n records; key-<offset>, every fourth null.
func (m *maker) batch(o recordbatch.Options, n int64) []byte {
	var b recordbatch.Builder
	b.Reset(o)
	for i := o.BaseOffset; i < o.BaseOffset+n; i++ {
		r := recordbatch.Record{Offset: i, Timestamp: 1_790_000_000_000 + i, Value: fmt.Appendf(nil, `{"order":%d,"state":"paid","note":"leave at the door"}`, i)}
		if i%4 != 3 {
			r.Key = fmt.Appendf(nil, "key-%d", i)
		}
		m.must(b.Append(r))
	}
	out, err := b.Finish()
	m.must(err)
	return bytes.Clone(out)
}

func (m *maker) seal(h segment.Header, o segment.Options, next int64, batches ...[]byte) *segment.Sealed {
	w, err := segment.NewWriter(h, secretOf("all"), o)
	m.must(err)
	for _, b := range batches {
		header, err := recordbatch.ParseHeader(b)
		m.must(err)
		m.must(w.Append(header, b))
	}
	s, err := w.Close(next, names.Digest{0xdd}, m.archiver)
	m.must(err)
	return s
}

// add writes a vector that is not ok.
func (m *maker) add(file, outcome, about string, name names.Range, data []byte) {
	m.must(os.WriteFile(file, data, 0o644))
	secret := secretOf("all")
	m.manifest.Vectors = append(m.manifest.Vectors, vector{
		File: file, About: about, Name: name.String(), Secret: hex.EncodeToString(secret[:]), Outcome: outcome,
	})
}

// addGood writes a vector that is ok.
func (m *maker) addGood(file, about string, s *segment.Sealed, log ...[]byte) *vector {
	m.add(file, "ok", about, s.Name, s.Data)
	sum := sha256.Sum256(bytes.Join(log, nil))
	v := &m.manifest.Vectors[len(m.manifest.Vectors)-1]
	v.Blocks, v.LogSHA256 = len(s.Footer.Blocks), hex.EncodeToString(sum[:])
	return v
}

func (m *maker) save() {
	slices.SortFunc(m.manifest.Vectors, func(a, b vector) int { return strings.Compare(a.File, b.File) })
	b, err := json.MarshalIndent(m.manifest, "", "  ")
	m.must(err)
	m.must(os.WriteFile(manifestFile, append(b, '\n'), 0o644))
}

// resign edits a copy of a segment, given where its first entry begins, and
// signs it again: what someone could do who has the archiver's key but no
// secret.
func (m *maker) resign(data []byte, edit func(b []byte, entry int)) []byte {
	b := bytes.Clone(data)
	end := len(b) - 84
	footer := end - int(binary.BigEndian.Uint32(b[end+72:]))
	edit(b, footer+int(binary.BigEndian.Uint32(b[10:]))+72)
	digest := sha256.Sum256(b[footer:end])
	copy(b[end+8:], m.archiver.Sign(signed.KindSegment, digest[:]))
	return b
}

// shortOf is the digest that belongs into the name of a segment.
func shortOf(data []byte) names.Short {
	end := len(data) - 84
	sum := sha256.Sum256(data[end-int(binary.BigEndian.Uint32(data[end+72:])) : end])
	return names.Digest(sum).Short()
}
