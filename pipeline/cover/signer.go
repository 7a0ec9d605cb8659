package cover

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// SignerFile returns the file by which the root introduced a signer, from the
// first region that has a sound one.
func (a *Archive) SignerFile(ctx context.Context, id names.SignerID) ([]byte, error) {
	var errs []error
	for i := range a.regions {
		r := &a.regions[i]
		file, err := r.Objects.Get(ctx, names.Signer(id))
		if err == nil && !a.introduced(file, id) {
			err = signed.ErrSignature
		}
		if err == nil {
			return file, nil
		}
		errs = append(errs, &CopyError{Region: r.Name, Object: names.Signer(id), Err: err})
	}
	return nil, fmt.Errorf("read signer %s: %w", id, errors.Join(errs...))
}
