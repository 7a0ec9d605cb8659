package block_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
)

var place = block.Place{Header: names.Digest{1}, Number: 2, Base: 3, Next: 4, Compression: block.Zstd, Plain: 5}

func keysOf(t testing.TB, s block.Secret, n uint32) *block.Keys {
	t.Helper()
	key, err := s.Key(place.Header, n)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := key.Expand()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestSealAndOpen(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 2)
	body := []byte("batches as they came")
	sealed, err := keys.SealBody([]byte("before"), body, place)
	if err != nil || len(sealed) != len("before")+len(body)+block.Overhead {
		t.Fatalf("%d bytes, %v", len(sealed), err)
	}
	sealed = sealed[len("before"):]
	got, err := keys.OpenBody(nil, sealed, place)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("%q, %v", got, err)
	}
	if got, err = keys.OpenBody(sealed[:0], sealed, place); err != nil || !bytes.Equal(got, body) {
		t.Errorf("in place: %q, %v", got, err)
	}
}

// TestNothingOpensElsewhere changes each part of the place, and the purpose.
func TestNothingOpensElsewhere(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 2)
	sealed, err := keys.SealBody(nil, []byte("body"), place)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*block.Place){
		"header":      func(p *block.Place) { p.Header[31]++ },
		"number":      func(p *block.Place) { p.Number++ },
		"base":        func(p *block.Place) { p.Base-- },
		"next":        func(p *block.Place) { p.Next++ },
		"compression": func(p *block.Place) { p.Compression = block.S2 },
		"plain":       func(p *block.Place) { p.Plain++ },
	} {
		elsewhere := place
		change(&elsewhere)
		if got, err := keys.OpenBody(nil, sealed, elsewhere); len(got) != 0 || !errors.Is(err, block.ErrDamaged) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := keys.OpenFilter(nil, sealed, place); !errors.Is(err, block.ErrDamaged) {
		t.Errorf("a body opened as a filter: %v", err)
	}
	filter, err := keys.SealFilter(nil, []byte("filter"), place)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.OpenBody(nil, filter, place); !errors.Is(err, block.ErrDamaged) {
		t.Errorf("a filter opened as a body: %v", err)
	}
	other := place
	other.Number++
	if _, err := keys.OpenFilter(nil, filter, other); !errors.Is(err, block.ErrDamaged) {
		t.Errorf("a filter opened for another block: %v", err)
	}
	if got, err := keys.OpenFilter(nil, filter, place); err != nil || string(got) != "filter" {
		t.Errorf("filter: %q, %v", got, err)
	}
	for n := range block.Overhead {
		if _, err := keys.OpenBody(nil, sealed[:n], place); !errors.Is(err, block.ErrDamaged) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestEveryBlockHasItsOwnKeys: another number, header or secret gives another
// commitment and another filter hash.
func TestEveryBlockHasItsOwnKeys(t *testing.T) {
	seen := map[names.Digest]bool{}
	hashes := map[uint64]bool{}
	for _, secret := range []block.Secret{{7}, {8}} {
		for _, header := range []names.Digest{{1}, {2}} {
			for n := range uint32(3) {
				key, err := secret.Key(header, n)
				if err != nil {
					t.Fatal(err)
				}
				keys, err := key.Expand()
				if err != nil {
					t.Fatal(err)
				}
				seen[keys.Commitment], hashes[keys.Hash([]byte("order-1"))] = true, true
			}
		}
	}
	if len(seen) != 12 || len(hashes) != 12 {
		t.Errorf("%d commitments, %d hashes of 12", len(seen), len(hashes))
	}
}

// TestSecretsDoNotPrint looks for a canary in everything that could end up in a
// log (fault 62).
func TestSecretsDoNotPrint(t *testing.T) {
	secret := block.Secret(bytes.Repeat([]byte{0xab}, 32))
	key := block.Key(secret)
	asJSON, err := json.Marshal(map[string]any{"secret": secret, "key": key})
	if err != nil {
		t.Fatal(err)
	}
	text := string(asJSON) + fmt.Sprintf("%v %+v %#v %s %x %X %d %q %v %v", secret, secret, secret, secret, secret, key, key, key,
		&secret, struct{ S block.Secret }{secret})
	for _, canary := range []string{hex.EncodeToString(secret[:4]), "ABAB", "171", "0xab", string(secret[:4])} {
		if strings.Contains(text, canary) {
			t.Errorf("%q is in %s", canary, text)
		}
	}
}
