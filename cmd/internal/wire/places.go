package wire

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Place is a region's place of the data, opened before there is an archive: no
// trust file, no keys, no KMS are needed.
type Place struct {
	Name  string
	Store objects.Store
}

// OpenPlaces opens the places of the data, and makes the directories of all
// four places where those are directories. Only `tidemark init` does that: a
// region that is not mounted must not look like an empty one. ClosePlaces
// closes them.
func OpenPlaces(ctx context.Context, cfg *config.Config) ([]Place, error) {
	var all []Place
	for i := range cfg.Regions {
		store, err := openData(ctx, &cfg.Regions[i])
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open region %s: %w", cfg.Regions[i].Name, err), ClosePlaces(all))
		}
		all = append(all, Place{Name: cfg.Regions[i].Name, Store: store})
	}
	return all, nil
}

func openData(ctx context.Context, r *config.Region) (objects.Store, error) {
	o := objects.Options{Credentials: credentials(r.Credentials), Create: true}
	keys, err := openPlace(ctx, r, r.KeysURL, o)
	if err != nil {
		return nil, err
	}
	if err := keys.Close(); err != nil {
		return nil, err
	}
	return openPlace(ctx, r, r.URL, o)
}

// ClosePlaces closes what OpenPlaces opened.
func ClosePlaces(all []Place) error {
	var errs []error
	for _, p := range all {
		errs = append(errs, p.Store.Close())
	}
	return errors.Join(errs...)
}

// Get returns an object.
func (p Place) Get(ctx context.Context, key string) ([]byte, error) { return p.Store.Get(ctx, key) }

// Ensure returns nil once the place holds exactly this object; other content
// under its name is an *objects.ConflictError and stays as it is.
func (p Place) Ensure(ctx context.Context, key string, body []byte) error {
	return objects.Ensure(ctx, p.Store, key, body, objects.PutOptions{})
}
