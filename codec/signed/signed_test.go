package signed_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

var archive = names.ArchiveID{1}

func signer(word string, role signed.Role) *signed.Signer {
	seed := sha256.Sum256([]byte(word))
	return signed.NewSigner(role, ed25519.NewKeyFromSeed(seed[:]))
}

type note struct {
	Text string `json:"text"`
}

// setting is an archive with one archiver and one eraser.
type setting struct {
	root, archiver, eraser *signed.Signer
	trust                  *signed.Trust
}

func newSetting(t testing.TB) setting {
	t.Helper()
	s := setting{root: signer("root", signed.RoleRoot), archiver: signer("archiver", signed.RoleArchive), eraser: signer("eraser", signed.RoleErase)}
	var err error
	if s.trust, err = signed.NewTrust(archive, s.root.Public()); err != nil {
		t.Fatal(err)
	}
	for _, who := range []*signed.Signer{s.archiver, s.eraser} {
		id, err := s.trust.Introduce(s.introduce(t, signed.Introduction{Archive: archive, Role: who.Role, Key: who.Public()}))
		if err != nil || id != who.ID() {
			t.Fatalf("introduce: %v, %v", id, err)
		}
	}
	return s
}

func (s setting) introduce(t testing.TB, in signed.Introduction) []byte {
	t.Helper()
	return seal(t, s.root, signed.KindSigner, in)
}

func seal(t testing.TB, s *signed.Signer, kind string, document any) []byte {
	t.Helper()
	file, err := s.Seal(kind, document)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSealAndOpen(t *testing.T) {
	s := newSetting(t)
	file := seal(t, s.archiver, signed.KindGap, note{"a < b & c"})
	if !bytes.HasPrefix(file, []byte(`{"text":"a < b & c"}`+"\n"+`{"kind":"gap","signer":"`)) {
		t.Errorf("file is %s", file)
	}
	var n note
	if err := signed.Open(file, signed.KindGap, s.trust, signed.RoleArchive, &n); err != nil || n.Text != "a < b & c" {
		t.Errorf("%+v, %v", n, err)
	}
}

// TestEveryBitOfAFile flips each bit in turn: no file opens with another text.
func TestEveryBitOfAFile(t *testing.T) {
	s := newSetting(t)
	file := seal(t, s.archiver, signed.KindGap, note{"text"})
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			var n note
			err := signed.Open(file, signed.KindGap, s.trust, signed.RoleArchive, &n)
			if err == nil && n.Text != "text" || err != nil && n.Text != "" {
				t.Fatalf("bit %d of byte %d: %+v, %v", bit, i, n, err)
			}
			file[i] ^= 1 << bit
		}
	}
}

func TestSignaturesAreRefused(t *testing.T) {
	s := newSetting(t)
	gap := seal(t, s.archiver, signed.KindGap, note{"text"})
	changed := bytes.Replace(gap, []byte("text\"}"), []byte("tExt\"}"), 1)
	for name, c := range map[string]struct {
		file []byte
		kind string
		role signed.Role
	}{
		"changed":            {changed, signed.KindGap, signed.RoleArchive},
		"another kind":       {gap, signed.KindPage, signed.RoleArchive},
		"kind replaced":      {bytes.Replace(gap, []byte(`"gap"`), []byte(`"kek"`), 1), signed.KindKEK, signed.RoleArchive},
		"kind relabelled":    {bytes.Replace(gap, []byte(`"gap"`), []byte(`"kek"`), 1), signed.KindGap, signed.RoleArchive},
		"another role":       {gap, signed.KindGap, signed.RoleErase},
		"not the root":       {gap, signed.KindGap, signed.RoleRoot},
		"role of the signer": {seal(t, s.eraser, signed.KindGap, note{}), signed.KindGap, signed.RoleArchive},
		"stranger":           {seal(t, signer("stranger", signed.RoleArchive), signed.KindGap, note{}), signed.KindGap, signed.RoleArchive},
	} {
		var n note
		if err := signed.Open(c.file, c.kind, s.trust, c.role, &n); !errors.Is(err, signed.ErrSignature) || n.Text != "" {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

func TestFilesAreTwoStrictLines(t *testing.T) {
	s := newSetting(t)
	file := seal(t, s.archiver, signed.KindGap, note{"text"})
	lines := bytes.SplitAfter(file, []byte("\n"))
	for name, bad := range map[string][]byte{
		"empty":            {},
		"one line":         lines[0],
		"no newline":       bytes.TrimSuffix(file, []byte("\n")),
		"a third line":     append(bytes.Clone(file), "{}\n"...),
		"a seal too many":  append(bytes.TrimSuffix(bytes.Clone(file), []byte("\n")), "{}\n"...),
		"too long":         append(bytes.Repeat([]byte(" "), signed.MaxFile), file...),
		"an unknown field": seal(t, s.archiver, signed.KindGap, map[string]string{"text": "", "more": ""}),
		"a field too many": bytes.Replace(file, []byte(`{"kind"`), []byte(`{"x":1,"kind"`), 1),
	} {
		var n note
		if err := signed.Open(bad, signed.KindGap, s.trust, signed.RoleArchive, &n); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestIntroductionsAreRefused(t *testing.T) {
	s := newSetting(t)
	key := signer("new", signed.RoleArchive).Public()
	for name, file := range map[string][]byte{
		"by an archiver":  seal(t, s.archiver, signed.KindSigner, signed.Introduction{Archive: archive, Role: signed.RoleArchive, Key: key}),
		"another archive": s.introduce(t, signed.Introduction{Archive: names.ArchiveID{2}, Role: signed.RoleArchive, Key: key}),
		"a second root":   s.introduce(t, signed.Introduction{Archive: archive, Role: signed.RoleRoot, Key: key}),
		"no role":         s.introduce(t, signed.Introduction{Archive: archive, Key: key}),
		"a short key":     s.introduce(t, signed.Introduction{Archive: archive, Role: signed.RoleArchive, Key: key[:31]}),
		"another kind":    seal(t, s.root, signed.KindGap, signed.Introduction{Archive: archive, Role: signed.RoleArchive, Key: key}),
	} {
		if _, err := s.trust.Introduce(file); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var n note
	err := signed.Open(seal(t, signer("new", signed.RoleArchive), signed.KindGap, note{}), signed.KindGap, s.trust, signed.RoleArchive, &n)
	if unknown := (*signed.UnknownSignerError)(nil); !errors.As(err, &unknown) {
		t.Errorf("the key that nobody introduced: %v", err)
	}
}

// TestIdentityIsPinned: archive.json is compared with the configuration, never
// believed (fault 81).
func TestIdentityIsPinned(t *testing.T) {
	s := newSetting(t)
	identity := signed.Identity{Archive: archive, Root: s.root.Public(), Created: time.Unix(5, 0).UTC()}
	if got, err := s.trust.CheckIdentity(seal(t, s.root, signed.KindIdentity, identity)); err != nil || !got.Created.Equal(identity.Created) {
		t.Errorf("%+v, %v", got, err)
	}
	thief := signer("thief", signed.RoleRoot)
	other := signed.Identity{Archive: names.ArchiveID{2}, Root: s.root.Public()}
	for name, file := range map[string][]byte{
		"a root of their own":   seal(t, thief, signed.KindIdentity, signed.Identity{Archive: archive, Root: thief.Public()}),
		"another archive":       seal(t, s.root, signed.KindIdentity, other),
		"another root's key":    seal(t, s.root, signed.KindIdentity, signed.Identity{Archive: archive, Root: thief.Public()}),
		"signed by an archiver": seal(t, s.archiver, signed.KindIdentity, identity),
	} {
		if _, err := s.trust.CheckIdentity(file); !errors.Is(err, signed.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := signed.NewTrust(archive, s.root.Public()[:31]); err == nil {
		t.Error("a short root key was pinned")
	}
}

func TestKindsSeparateSignatures(t *testing.T) {
	s := newSetting(t)
	message := []byte("digest")
	signature := s.archiver.Sign(signed.KindSegment, message)
	if err := s.trust.Verify(signed.RoleArchive, s.archiver.ID(), signed.KindSegment, message, signature); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"kind":  s.trust.Verify(signed.RoleArchive, s.archiver.ID(), signed.KindGap, message, signature),
		"text":  s.trust.Verify(signed.RoleArchive, s.archiver.ID(), signed.KindSegment, []byte("other"), signature),
		"short": s.trust.Verify(signed.RoleArchive, s.archiver.ID(), signed.KindSegment, message, signature[:63]),
		"nil":   s.trust.Verify(signed.RoleArchive, s.archiver.ID(), signed.KindSegment, message, nil),
	} {
		if !errors.Is(err, signed.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOpen: only what an archiver signed opens.
func FuzzOpen(f *testing.F) {
	s := newSetting(f)
	file := seal(f, s.archiver, signed.KindGap, note{"text"})
	f.Add(file)
	f.Add([]byte(strings.Repeat("{}\n", 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var n note
		if err := signed.Open(b, signed.KindGap, s.trust, signed.RoleArchive, &n); err == nil && n.Text != "text" {
			t.Fatalf("%q opened", b)
		}
	})
}
