package wire

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

func TestKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	key, err := CreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadKey(path)
	if err != nil || !again.Equal(key) {
		t.Fatalf("read another key: %v", err)
	}
	if _, err := CreateKey(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key was overwritten: %v", err)
	}
	if after, _ := ReadKey(path); !after.Equal(key) {
		t.Error("the key has changed")
	}
	for mode, refused := range map[os.FileMode]bool{
		0o400: false, 0o440: false, 0o640: false, // 0440 is what fsGroup makes of a Kubernetes secret
		0o644: true, 0o660: true, 0o604: true, 0o602: true, 0o601: true,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKey(path); (err != nil) != refused || refused && !strings.Contains(err.Error(), "chmod") {
			t.Errorf("mode %o: %v, want refused %v", mode, err, refused)
		}
	}
}

func TestKeyFilesOfOtherKinds(t *testing.T) {
	der, err := x509.MarshalPKCS8PrivateKey(newECDSA(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"another algorithm": writePEM(t, "PRIVATE KEY", der),
		"a certificate":     writePEM(t, "CERTIFICATE", der),
		"garbage":           writePEM(t, "PRIVATE KEY", []byte("canary")),
	} {
		if _, err := ReadKey(path); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTrustFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trust.json")
	pin := Pin{Archive: names.ArchiveID{1}, Root: ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)}
	cfg := &config.Config{Archive: config.Archive{TrustFile: path}}
	var mistake *config.Error
	if _, err := Trust(cfg); !errors.As(err, &mistake) || !strings.Contains(err.Error(), "tidemark init") {
		t.Errorf("without a trust file: %v", err)
	}
	if err := CreateTrust(path, pin); err != nil {
		t.Fatal(err)
	}
	if trust, err := Trust(cfg); err != nil || trust.Archive() != pin.Archive {
		t.Errorf("got %v, %v", trust, err)
	}
	if err := CreateTrust(path, pin); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a trust file was overwritten: %v", err)
	}
	for _, text := range []string{"", "{}", `{"archive":"00","root_public_key":""}`, `{"archive":"` + pin.Archive.String() + `","root_public_key":"AAAA","x":1}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Trust(cfg); !errors.As(err, &mistake) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestPinWrittenOut(t *testing.T) {
	p, err := PinOf(config.Archive{ID: strings.Repeat("0a", 16), RootPublicKey: strings.Repeat("A", 43) + "="})
	if err != nil || p.Archive[0] != 10 || len(p.Root) != 32 {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestSigner(t *testing.T) {
	cfg := &config.Config{Archive: config.Archive{SigningKeyFile: filepath.Join(t.TempDir(), "a.key")}}
	var mistake *config.Error
	if _, err := Signer(cfg); !errors.As(err, &mistake) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := CreateKey(cfg.Archive.SigningKeyFile); err != nil {
		t.Fatal(err)
	}
	if s, err := Signer(cfg); err != nil || s.Role != signed.RoleArchive {
		t.Errorf("got %v, %v", s, err)
	}
}
