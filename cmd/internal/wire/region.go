package wire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/sinks/keys"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Region is one region with everything that belongs to it: the place of the
// data, the place of the keys, the KMS.
type Region struct {
	Name string
	Data objects.Store
	Keys objects.Store
	// Key is the region as package keys sees it; Ring reads its key pages.
	Key      keys.Region
	Ring     *keys.Ring
	lock     objects.LockMode
	closeKMS func() error
}

// Cover returns the region as the reading side of the pipeline sees it.
func (r *Region) Cover() cover.Region {
	return cover.Region{Name: r.Name, Objects: r.Data, Secrets: secrets{r.Ring}}
}

// secrets reads key pages, and calls a wrong key what package cover calls it.
type secrets struct{ *keys.Ring }

func (s secrets) Secret(ctx context.Context, page names.PageID, slot uint16) (block.Secret, error) {
	secret, err := s.Ring.Secret(ctx, page, slot)
	if errors.Is(err, keys.ErrWrongKey) {
		err = errors.Join(block.ErrWrongKey, err)
	}
	return secret, err
}

// Ensure makes an object durable in the region's place of the data, locked
// until a date unless that is zero.
func (r *Region) Ensure(ctx context.Context, name string, body []byte, retainUntil time.Time) error {
	return objects.Ensure(ctx, r.Data, name, body, r.options(retainUntil))
}

// options are how an object is kept until a date, if that is set.
func (r *Region) options(retainUntil time.Time) objects.PutOptions {
	if r.lock == objects.LockNone || retainUntil.IsZero() {
		return objects.PutOptions{}
	}
	return objects.PutOptions{RetainUntil: retainUntil.Truncate(time.Second), Mode: r.lock}
}

// writable is a region as those write it who make segments: with the process's
// own key pages.
type writable struct {
	*Region
	pages *keys.Writer
}

func (w writable) Name() string { return w.Region.Name }

func (w writable) EnsurePage(ctx context.Context, page names.PageID) error {
	return w.pages.Ensure(ctx, w.Region.Name, page)
}

// archived is a region as the archiver writes it: with the checksum that it
// has of each object.
type archived struct{ writable }

// Ensure implements archive.Region.
func (w archived) Ensure(ctx context.Context, name string, body []byte, sum uint32, retainUntil time.Time) error {
	o := w.options(retainUntil)
	o.CRC32C, o.HasCRC32C = sum, true
	return objects.Ensure(ctx, w.Data, name, body, o)
}

// keyPlace is the place of the keys as package keys wants it. Nothing there is
// ever locked: what cannot be deleted cannot be erased.
type keyPlace struct{ objects.Store }

func (k keyPlace) Ensure(ctx context.Context, key string, body []byte) error {
	return objects.Ensure(ctx, k.Store, key, body, objects.PutOptions{})
}

func (k keyPlace) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return k.Store.List(ctx, prefix, after)
}

// introduce reads the signers of an archive from one region, and checks that
// it is the archive that the configuration pins.
func introduce(ctx context.Context, r *Region, trust *signed.Trust) error {
	file, err := r.Data.Get(ctx, names.Archive)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("region %s: there is no archive yet: run `tidemark init` first", r.Name)
	}
	if err != nil {
		return fmt.Errorf("region %s: read %s: %w", r.Name, names.Archive, err)
	}
	if _, err := trust.CheckIdentity(file); err != nil {
		return fmt.Errorf("region %s: %s: %w", r.Name, names.Archive, err)
	}
	for info, err := range r.Data.List(ctx, names.Signers, "") {
		if err != nil {
			return fmt.Errorf("region %s: list signers: %w", r.Name, err)
		}
		file, err := r.Data.Get(ctx, info.Key)
		if err != nil {
			return fmt.Errorf("region %s: read %s: %w", r.Name, info.Key, err)
		}
		if _, err := trust.Introduce(file); err != nil {
			return fmt.Errorf("region %s: %s: %w", r.Name, info.Key, err)
		}
	}
	return nil
}
