package keys

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"gocloud.dev/gcerrors"
	"gocloud.dev/secrets"
)

// LocalScheme is the scheme of URLs like local:///etc/tidemark/kms.key.
const LocalScheme = "local"

// localAAD keeps what the local keeper sealed apart from what a KEK sealed.
const localAAD = "tidemark/1 local kms"

// localKeyText is the length of the key file's text, without its newline.
const localKeyText = 2 * len(key{})

// CreateLocalKey makes a key file: 64 lower-case hex digits and a newline,
// mode 0600. If there is a file already it is fs.ErrExist: a key is never
// overwritten, for all the archive hangs on it.
func CreateLocalKey(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create local key: %w", err)
	}
	k := newKey()
	_, err = io.WriteString(f, hex.EncodeToString(k[:])+"\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("create local key: %w", errors.Join(err, os.Remove(path)))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("create local key: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("create local key: %w", err)
	}
	return nil
}

// OpenLocal opens the key file that a local:// URL names, with no service
// behind it: AES-256-GCM by the key in the file. A file that everybody may read,
// or others may change, is refused; a group may read it, since that is how
// Kubernetes hands out secrets (fsGroup makes them 0440). What fails to open was
// sealed by another key or changed, and has the code gcerrors.InvalidArgument.
func OpenLocal(u *url.URL) (*secrets.Keeper, error) {
	if u.Scheme != LocalScheme || u.Host != "" || u.Path == "" || u.RawQuery != "" {
		return nil, fmt.Errorf("open local key: want local:///path/to/file, not %q", u.Redacted())
	}
	k, err := readLocalKey(u.Path)
	if err != nil {
		return nil, fmt.Errorf("open local key: %w", err)
	}
	return secrets.NewKeeper(&localKeeper{key: k}), nil
}

func readLocalKey(path string) (k key, err error) {
	f, err := os.Open(path)
	if err != nil {
		return k, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return k, err
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return k, fmt.Errorf("%s has mode %04o: others may read or change the key; run chmod 0600 on it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(localKeyText)+2))
	if err != nil {
		return k, err
	}
	err = parseLocalKey(path, text, &k)
	return k, err
}

// parseLocalKey says what is wrong without repeating any of the text.
func parseLocalKey(path string, text []byte, into *key) error {
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text = text[:n-1]
	}
	if len(text) != localKeyText {
		return fmt.Errorf("%s: want %d hex digits and a newline", path, localKeyText)
	}
	if _, err := hex.Decode(into[:], text); err != nil {
		return fmt.Errorf("%s: a character is not a hex digit", path)
	}
	return nil
}

// localKeeper is a driver of gocloud.dev/secrets. Gocloud's own localsecrets
// is NaCl, which FIPS 140 does not know.
type localKeeper struct{ key key }

func (k *localKeeper) Encrypt(_ context.Context, plain []byte) ([]byte, error) {
	return k.key.seal(plain, []byte(localAAD))
}

func (k *localKeeper) Decrypt(_ context.Context, sealed []byte) ([]byte, error) {
	return k.key.open(sealed, []byte(localAAD))
}

func (k *localKeeper) Close() error {
	clear(k.key[:])
	return nil
}

func (k *localKeeper) ErrorAs(error, any) bool { return false }

func (k *localKeeper) ErrorCode(err error) gcerrors.ErrorCode {
	if errors.Is(err, ErrWrongKey) {
		return gcerrors.InvalidArgument
	}
	return gcerrors.Unknown
}
