package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/durable"
)

// pemPrivateKey is the type of PKCS #8 in PEM (RFC 7468).
const pemPrivateKey = "PRIVATE KEY"

// maxKeyFile is far above the 119 bytes of an Ed25519 key in PEM.
const maxKeyFile = 16 << 10

// CreateKey makes an Ed25519 key (RFC 8032) and writes it as PKCS #8 in PEM,
// mode 0600. A file that is there already is fs.ErrExist and stays as it is.
func CreateKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: der})
	if err := writeNew(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return key, nil
}

// ReadKey reads what CreateKey wrote, or any tool that knows PKCS #8. A key
// that everybody may read, or others may change, is refused; a group may read
// it, since that is how Kubernetes hands out secrets.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemPrivateKey || len(rest) != 0 {
		return nil, fmt.Errorf("read key: %s is not one private key, PKCS #8 in PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read key: %s is not one private key, PKCS #8 in PEM", path)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read key: %s is not an Ed25519 key", path)
	}
	return key, nil
}

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return nil, fmt.Errorf("%s has mode %04o: others may read or change the key; run chmod 0600 on it", path, mode)
	}
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

// Signer reads the key that signs what this process archives.
func Signer(cfg *config.Config) (*signed.Signer, error) {
	if err := cfg.NeedSigningKey(); err != nil {
		return nil, err
	}
	key, err := ReadKey(cfg.Archive.SigningKeyFile)
	if err != nil {
		return nil, &config.Error{Key: "archive.signing_key_file", Err: err}
	}
	return signed.NewSigner(signed.RoleArchive, key), nil
}

// Pin is who an archive is, as its readers remember it: the trust file.
type Pin struct {
	Archive names.ArchiveID   `json:"archive"`
	Root    ed25519.PublicKey `json:"root_public_key"`
}

// CreateTrust writes a trust file. A file that is there already is fs.ErrExist
// and stays as it is.
func CreateTrust(path string, p Pin) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("create trust file: %w", err)
	}
	if err := writeNew(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("create trust file: %w", err)
	}
	return nil
}

// ReadTrust reads a trust file.
func ReadTrust(path string) (Pin, error) {
	f, err := os.Open(path)
	if err != nil {
		return Pin{}, fmt.Errorf("read trust file: %w", err)
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, maxKeyFile))
	d.DisallowUnknownFields()
	var p Pin
	if err := d.Decode(&p); err != nil {
		return Pin{}, fmt.Errorf("read trust file %s: %w", path, err)
	}
	if len(p.Root) != ed25519.PublicKeySize || p.Archive == (names.ArchiveID{}) {
		return Pin{}, fmt.Errorf("read trust file %s: want archive and root_public_key", path)
	}
	return p, nil
}

// PinOf returns what the configuration pins, from its trust file or written out.
func PinOf(a config.Archive) (Pin, error) {
	if a.TrustFile != "" {
		return ReadTrust(a.TrustFile)
	}
	var p Pin
	if err := p.Archive.UnmarshalText([]byte(a.ID)); err != nil {
		return Pin{}, err
	}
	root, err := config.ParsePublicKey(a.RootPublicKey)
	p.Root = root
	return p, err
}

// Trust begins with what the configuration pins. Its errors are *config.Error.
func Trust(cfg *config.Config) (*signed.Trust, error) {
	p, err := PinOf(cfg.Archive)
	if err == nil {
		return signed.NewTrust(p.Archive, p.Root)
	}
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: run `tidemark init` to found an archive, or bring the trust file of the one there is", err)
	}
	return nil, &config.Error{Key: "archive.trust_file", Err: err}
}

// writeNew writes a file that must not exist, and returns once it is on disk.
// What could not be written whole is removed.
func writeNew(path string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return durable.SyncDir(filepath.Dir(path))
}
