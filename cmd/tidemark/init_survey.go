package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// regionStore is what init needs of a region's place of the data.
type regionStore interface {
	// Get returns an object, or fs.ErrNotExist.
	Get(ctx context.Context, key string) ([]byte, error)
	// Ensure returns nil once exactly this object is there. It overwrites
	// nothing: other content under the name is an error.
	Ensure(ctx context.Context, key string, body []byte) error
}

// region is one region, and what survey found in it; nil for nothing.
type region struct {
	name             string
	store            regionStore
	identity, signer []byte
}

// founding makes an archive in two steps: survey looks at everything and
// decides whether it fits together, found makes what is missing.
type founding struct {
	cfg     *config.Config
	rootKey string
	regions []region
	now     time.Time

	// What survey found; nil where there is nothing.
	pin      *wire.Pin
	root     ed25519.PrivateKey
	signing  ed25519.PrivateKey
	localKMS []string // key files that are missing

	created, kept []string
}

// survey reads what is there. It refuses what does not belong together, and
// writes nothing.
func (f *founding) survey(ctx context.Context) error {
	if err := f.surveyFiles(); err != nil {
		return err
	}
	for i := range f.regions {
		if err := f.surveyRegion(ctx, &f.regions[i]); err != nil {
			return fmt.Errorf("region %s: %w", f.regions[i].name, err)
		}
	}
	if f.pin == nil {
		return nil
	}
	if f.root != nil && !f.pin.Root.Equal(f.root.Public()) {
		return refused(fmt.Errorf("%s is not the root key that the trust file pins", f.rootKey))
	}
	if f.root == nil && f.needsRoot() {
		return refused(fmt.Errorf("the root key must sign what is missing: give it with --root-key; %s does not exist", f.rootKey))
	}
	return nil
}

func (f *founding) surveyFiles() error {
	var err error
	if f.root, err = optional(wire.ReadKey(f.rootKey)); err != nil {
		return refused(err)
	}
	if f.signing, err = optional(wire.ReadKey(f.cfg.Archive.SigningKeyFile)); err != nil {
		return refused(err)
	}
	pin, err := wire.PinOf(f.cfg.Archive)
	switch {
	case err == nil:
		f.pin = &pin
	case !errors.Is(err, fs.ErrNotExist):
		return refused(err)
	}
	for _, r := range f.cfg.Regions {
		file := r.KMS.LocalFile()
		if _, err := os.Stat(file); file != "" && errors.Is(err, fs.ErrNotExist) {
			f.localKMS = append(f.localKMS, file)
		}
	}
	return nil
}

// optional makes "there is none" of a missing file.
func optional(key ed25519.PrivateKey, err error) (ed25519.PrivateKey, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return key, err
}

func (f *founding) surveyRegion(ctx context.Context, r *region) error {
	var err error
	if r.identity, err = get(ctx, r.store, names.Archive); err != nil {
		return err
	}
	if f.pin == nil {
		if r.identity != nil {
			return refused(errors.New("an archive is there already, and there is no trust file: bring the one that belongs to it, or choose another place"))
		}
		return nil
	}
	trust, err := signed.NewTrust(f.pin.Archive, f.pin.Root)
	if err != nil {
		return err
	}
	if r.identity != nil {
		if _, err := trust.CheckIdentity(r.identity); err != nil {
			return refused(err)
		}
	}
	if f.signing == nil {
		return nil
	}
	if r.signer, err = get(ctx, r.store, f.signerName()); err != nil || r.signer == nil {
		return err
	}
	if _, err := trust.Introduce(r.signer); err != nil {
		return refused(err)
	}
	return nil
}

func get(ctx context.Context, s regionStore, key string) ([]byte, error) {
	body, err := s.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return body, err
}

func (f *founding) signerName() string {
	return names.Signer(signed.IDOf(f.signing.Public().(ed25519.PublicKey)))
}

// needsRoot reports whether anything has to be signed: what one region holds
// is copied to the other.
func (f *founding) needsRoot() bool {
	return f.signing == nil || f.known(func(r region) []byte { return r.identity }) == nil ||
		f.known(func(r region) []byte { return r.signer }) == nil
}

// known returns a file that any region holds, or nil.
func (f *founding) known(file func(region) []byte) []byte {
	for _, r := range f.regions {
		if b := file(r); b != nil {
			return b
		}
	}
	return nil
}
