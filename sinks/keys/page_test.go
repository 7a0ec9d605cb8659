package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

func testSecrets(n int) []block.Secret {
	s := make([]block.Secret, n)
	for i := range s {
		s[i] = block.Secret(bytes.Repeat([]byte{byte(i + 1)}, 32))
	}
	return s
}

func wrapped(t *testing.T, k *key, secrets []block.Secret) *pageFile {
	t.Helper()
	p := &pageFile{Archive: names.ArchiveID{1}, Page: names.PageID{2}, Generation: 3, KEK: names.KEKID{4}}
	if err := p.wrap(k, secrets); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPageBytes opens a page by the documented layout alone, with the plain
// GCM that any other language has.
func TestPageBytes(t *testing.T) {
	k := newKey()
	p := wrapped(t, &k, testSecrets(2))
	line, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"archive":"01000000000000000000000000000000","page":"02000000000000000000000000000000","generation":3,` +
		`"kek":"04000000000000000000000000000000","slots":2,"wrapped":"` + base64.StdEncoding.EncodeToString(p.Wrapped) + `"}`
	if string(line) != want {
		t.Fatalf("document\n%s\nwant\n%s", line, want)
	}
	aad, _ := hex.DecodeString(hex.EncodeToString([]byte("tidemark/1 key-page")) +
		"01" + strings.Repeat("00", 15) + "02" + strings.Repeat("00", 15) + "00000003")
	plain := append(append([]byte{0}, bytes.Repeat([]byte{1}, 32)...), append([]byte{0}, bytes.Repeat([]byte{2}, 32)...)...)
	if got := openPlainGCM(t, k, p.Wrapped, aad); !bytes.Equal(got, plain) {
		t.Fatalf("slots\n%x\nwant\n%x", got, plain)
	}
}

// openPlainGCM is AES-256-GCM with the nonce given, as other languages have
// it. FIPS mode refuses to make this form, so it opens with the other there.
func openPlainGCM(t *testing.T, k key, sealed, aad []byte) []byte {
	t.Helper()
	b, err := aes.NewCipher(k[:])
	if err != nil {
		t.Fatal(err)
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		plain, err := k.open(sealed, aad)
		if err != nil {
			t.Fatal(err)
		}
		return plain
	}
	plain, err := g.Open(nil, sealed[:12], sealed[12:], aad)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestPageIdentity changes each part of the identity: nothing may open.
func TestPageIdentity(t *testing.T) {
	k := newKey()
	for name, change := range map[string]func(*pageFile){
		"archive":    func(p *pageFile) { p.Archive[15]++ },
		"page":       func(p *pageFile) { p.Page[0]++ },
		"generation": func(p *pageFile) { p.Generation++ },
		"a bit":      func(p *pageFile) { p.Wrapped[20] ^= 1 },
		"cut short":  func(p *pageFile) { p.Wrapped = p.Wrapped[:10] },
	} {
		p := wrapped(t, &k, testSecrets(2))
		change(p)
		if s, err := p.unwrap(&k); !errors.Is(err, ErrWrongKey) || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := wrapped(t, &k, testSecrets(2))
	other := newKey()
	if _, err := p.unwrap(&other); !errors.Is(err, ErrWrongKey) {
		t.Errorf("other KEK: %v", err)
	}
	if s, err := p.unwrap(&k); err != nil || s[1] != testSecrets(2)[1] {
		t.Errorf("unchanged: %v", err)
	}
}

func TestPageSlots(t *testing.T) {
	slot := append([]byte{0}, make([]byte, 32)...)
	for name, c := range map[string]struct {
		plain []byte
		want  string
	}{
		"unknown kind": {append(bytes.Clone(slot), 1), "slot 1: kind 1 is unknown"},
		"too few":      {slot, "1 slots: want 2"},
		"cut short":    {append(bytes.Clone(slot), slot[:32]...), "slot 1: cut short"},
		"too many":     {append(append(bytes.Clone(slot), slot...), 0), "1 bytes after"},
	} {
		if _, err := decodeSlots(c.plain, 2); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestPageValidate(t *testing.T) {
	r := newRig(t)
	good := pageFile{Archive: r.archive, Page: names.PageID{9}, Generation: 1, Slots: 1, Wrapped: []byte{}}
	for name, c := range map[string]struct {
		change func(*pageFile)
		want   string
	}{
		"other archive": {func(p *pageFile) { p.Archive[0]++ }, "belongs to archive"},
		"other page":    {func(p *pageFile) { p.Page[0]++ }, "it is page"},
		"generation 0":  {func(p *pageFile) { p.Generation = 0 }, "generation 0"},
		"no slots":      {func(p *pageFile) { p.Slots = 0 }, "0 slots"},
		"many slots":    {func(p *pageFile) { p.Slots = MaxSlots + 1 }, "8193 slots"},
		"minus slots":   {func(p *pageFile) { p.Slots = -1 }, "-1 slots"},
	} {
		p := good
		c.change(&p)
		file, err := r.signer.Seal(signed.KindPage, &p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsePage(file, r.trust, good.Page); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestPageLargest: a page of MaxSlots must not be longer than what is read.
func TestPageLargest(t *testing.T) {
	r, k := newRig(t), newKey()
	p := wrapped(t, &k, make([]block.Secret, MaxSlots))
	file, err := r.signer.Seal(signed.KindPage, p)
	if err != nil || len(file) > signed.MaxFile {
		t.Fatalf("%d bytes, %v", len(file), err)
	}
	p = wrapped(t, &k, make([]block.Secret, DefaultSlots))
	if file, _ = r.signer.Seal(signed.KindPage, p); len(file) > 12<<10 {
		t.Fatalf("default page of %d bytes", len(file))
	}
}
