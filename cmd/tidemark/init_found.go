package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/sinks/keys"
)

// found makes what survey found missing. The order lets a run that stopped
// anywhere be run again:
//
//	root key      alone it is nobody's: the next run founds the archive with it
//	signing key   alone it is nobody's either
//	local KMS     keys that nothing is wrapped by yet
//	trust file    from here on the archive has an id, and the next run keeps it
//	regions       each file whole or not at all; what one has the other gets
func (f *founding) found(ctx context.Context) error {
	var err error
	if f.pin == nil {
		if f.root, err = f.ensureKey(f.rootKey, f.root); err != nil {
			return err
		}
	}
	if f.signing, err = f.ensureKey(f.cfg.Archive.SigningKeyFile, f.signing); err != nil {
		return err
	}
	if err := f.createLocalKeys(); err != nil {
		return err
	}
	if err := f.ensureTrust(); err != nil {
		return err
	}
	if err := f.ensureIdentity(ctx); err != nil {
		return err
	}
	return f.ensureSigner(ctx)
}

func (f *founding) ensureKey(path string, key ed25519.PrivateKey) (ed25519.PrivateKey, error) {
	if key != nil {
		f.kept = append(f.kept, path)
		return key, nil
	}
	key, err := wire.CreateKey(path)
	if err != nil {
		return nil, err
	}
	f.created = append(f.created, path)
	return key, nil
}

func (f *founding) createLocalKeys() error {
	for _, path := range f.localKMS {
		if err := keys.CreateLocalKey(path); err != nil {
			return err
		}
		f.created = append(f.created, path)
	}
	return nil
}

func (f *founding) ensureTrust() error {
	path := f.cfg.Archive.TrustFile
	if f.pin != nil {
		if path != "" {
			f.kept = append(f.kept, path)
		}
		return nil
	}
	p := wire.Pin{Root: f.root.Public().(ed25519.PublicKey)}
	rand.Read(p.Archive[:]) // never fails: it ends the program instead
	if err := wire.CreateTrust(path, p); err != nil {
		return err
	}
	f.pin, f.created = &p, append(f.created, path)
	return nil
}

func (f *founding) ensureIdentity(ctx context.Context) error {
	file, err := f.sealed(signed.KindIdentity, f.known(func(r region) []byte { return r.identity }),
		signed.Identity{Archive: f.pin.Archive, Root: f.pin.Root, Created: f.now})
	if err != nil {
		return err
	}
	return f.ensureEverywhere(ctx, names.Archive, file, func(r region) []byte { return r.identity })
}

func (f *founding) ensureSigner(ctx context.Context) error {
	file, err := f.sealed(signed.KindSigner, f.known(func(r region) []byte { return r.signer }), signed.Introduction{
		Archive: f.pin.Archive, Role: signed.RoleArchive, Key: f.signing.Public().(ed25519.PublicKey), Created: f.now})
	if err != nil {
		return err
	}
	return f.ensureEverywhere(ctx, f.signerName(), file, func(r region) []byte { return r.signer })
}

// sealed returns the file that is known, or else has the root sign a new one.
func (f *founding) sealed(kind string, known []byte, document any) ([]byte, error) {
	if known != nil {
		return known, nil
	}
	return signed.NewSigner(signed.RoleRoot, f.root).Seal(kind, document)
}

func (f *founding) ensureEverywhere(ctx context.Context, key string, file []byte, had func(region) []byte) error {
	for _, r := range f.regions {
		name := r.name + ": " + key
		if had(r) != nil {
			f.kept = append(f.kept, name)
			continue
		}
		if err := r.store.Ensure(ctx, key, file); err != nil {
			return fmt.Errorf("region %s: write %s: %w", r.name, key, err)
		}
		f.created = append(f.created, name)
	}
	return nil
}

func (f *founding) result() founded {
	return founded{
		Archive: f.pin.Archive.String(), Signer: signed.IDOf(f.signing.Public().(ed25519.PublicKey)).String(),
		Created: append([]string{}, f.created...), Kept: append([]string{}, f.kept...), rootKey: f.rootKey,
	}
}
