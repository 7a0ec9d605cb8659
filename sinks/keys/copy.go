package keys

import (
	"context"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Copy makes a region hold a page that another one holds, for healing. The
// page is copied byte for byte once its signature is verified and it opens;
// its KEK is not copied: the region's own KMS wraps the same key.
//
// Copy fills in what is missing and never replaces: if the region has another
// generation of the page it is fs.ErrExist. It must not be called for a page
// that an erasure has deleted.
func (w *Writer) Copy(ctx context.Context, id names.PageID, from, to string) error {
	i, err := w.region(from)
	if err != nil {
		return err
	}
	j, err := w.region(to)
	if err != nil {
		return err
	}
	file, k, err := w.export(ctx, i, id)
	if err != nil {
		return fmt.Errorf("copy key page %s: %w", id, err)
	}
	defer clear(k.key[:])
	if err := w.ensureKEK(ctx, j, k); err != nil {
		return fmt.Errorf("copy key page %s: %w", id, err)
	}
	if err := w.regions[j].Store.Ensure(ctx, names.Page(id), file); err != nil {
		return fmt.Errorf("copy key page %s to region %s: %w", id, to, err)
	}
	return nil
}

// export returns a page's file as it stands in a region, and its KEK.
func (w *Writer) export(ctx context.Context, i int, id names.PageID) ([]byte, *kek, error) {
	file, err := w.regions[i].get(ctx, names.Page(id))
	if err != nil {
		return nil, nil, err
	}
	p, k, err := w.rings[i].unwrap(ctx, file, id)
	if err != nil {
		return nil, nil, err
	}
	clear(p.secrets)
	return file, k, nil
}
