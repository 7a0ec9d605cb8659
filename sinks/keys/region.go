package keys

import (
	"context"
	"fmt"
	"iter"
	"net/url"

	"github.com/tidemark-io/tidemark/codec/object"
)

// Store is the place of the keys in one region: a versioned bucket or prefix
// without Object Lock. It is safe for concurrent use.
type Store interface {
	// Ensure makes body durable under key. The same body again is no error;
	// another body under that key is fs.ErrExist, and nothing was changed.
	Ensure(ctx context.Context, key string, body []byte) error
	// Get returns the newest version, at most signed.MaxFile bytes of it, or
	// fs.ErrNotExist.
	Get(ctx context.Context, key string) ([]byte, error)
	// List yields what begins with prefix and sorts after the key after, in
	// ascending order, and ends at the first error.
	List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error]
}

// Keeper encrypts and decrypts short texts with a key that stays with the
// KMS. *secrets.Keeper of gocloud.dev is one; errors carry gcerrors codes.
type Keeper interface {
	Encrypt(ctx context.Context, plaintext []byte) ([]byte, error)
	Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error)
}

// Region is one region's place for keys and its KMS.
type Region struct {
	// Name is how the configuration calls the region.
	Name   string
	Store  Store
	Keeper Keeper
	// KMS is the URL of the KMS key. It is noted in KEK files, without query
	// and user, so that an operator finds the key again.
	KMS string
}

func (r *Region) kmsName() string {
	u, err := url.Parse(r.KMS)
	if err != nil || u.Scheme == "" {
		return "(unnamed)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// get reads a file.
func (r *Region) get(ctx context.Context, key string) ([]byte, error) {
	file, err := r.Store.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("get %s from region %s: %w", key, r.Name, err)
	}
	return file, nil
}
