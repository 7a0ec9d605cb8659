package cover

import (
	"context"
	"iter"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
)

// Objects reads one region. It retries by itself what is worth a retry. What is
// not there is fs.ErrNotExist.
type Objects interface {
	// Get returns a whole object.
	Get(ctx context.Context, key string) ([]byte, error)
	// ReadAt fills p from byte off on, as io.ReaderAt does.
	ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error)
	// Stat describes an object, with its CRC-32C if the store keeps one.
	Stat(ctx context.Context, key string) (object.Info, error)
	// List yields the objects whose names begin with prefix and sort after
	// after, in the order of their names. An error ends it.
	List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error]
}

// Secrets reads the key pages of one region.
type Secrets interface {
	// Secret returns nil only if the page is in that region, signed, and opens.
	// A page that is not there is fs.ErrNotExist; a secret that is of no use
	// wraps block.ErrWrongKey, a forged page signed.ErrSignature. Every other
	// error means that nothing is known.
	Secret(ctx context.Context, page names.PageID, slot uint16) (block.Secret, error)
}

// Region is one place that holds a copy of the archive.
type Region struct {
	Name    string
	Objects Objects
	Secrets Secrets

	raw    Objects // as it was given: what is asked of it tells health nothing
	health *health // of the data
	keys   *health // of key pages and KMS
}
