package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Ring gives the secrets of segments back, from the key pages of one region.
// It remembers what it unwrapped, so that an outage of the KMS does not matter
// to who has read before; whoever needs to know how the region is now, after
// a page may have been deleted, makes a new Ring. It is safe for concurrent
// use.
type Ring struct {
	region Region
	trust  *signed.Trust
	keks   *cache[names.KEKID, *kek]
	pages  *cache[names.PageID, *openPage]
}

// openPage is an unwrapped page.
type openPage struct{ secrets []block.Secret }

// NewRing reads in one region, and believes whom trust believes.
func NewRing(region Region, trust *signed.Trust) *Ring {
	return &Ring{
		region: region,
		trust:  trust,
		keks:   newCache[names.KEKID](maxKEKs, func(k *kek) { clear(k.key[:]) }),
		pages:  newCache[names.PageID](cachedPages, func(p *openPage) { clear(p.secrets) }),
	}
}

// Close wipes what the ring remembers.
func (r *Ring) Close() error {
	r.pages.clear()
	r.keks.clear()
	return nil
}

// Format prints the region's name, whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "key ring of region "+r.region.Name)
}

// Secret returns the secret in a slot of a page.
//
// Errors: fs.ErrNotExist, the page or its KEK is not in this region;
// signed.ErrSignature, one of them was forged or changed; ErrWrongKey, the
// KEK was wrapped by another KMS key, or the page by another KEK;
// ErrKeyDisabled and ErrKMSUnavailable, see there.
func (r *Ring) Secret(ctx context.Context, page names.PageID, slot uint16) (block.Secret, error) {
	var secret block.Secret
	err := r.with(ctx, page, func(p *openPage) error {
		if int(slot) >= len(p.secrets) {
			return fmt.Errorf("key page %s has %d slots, none with number %d", page, len(p.secrets), slot)
		}
		secret = p.secrets[slot]
		return nil
	})
	return secret, err
}

// Has reports whether segments that use the page count in this region: the
// page is there, genuine, and its KEK is there and opens it. Without an error,
// false means that a file is missing; with one, see Secret.
func (r *Ring) Has(ctx context.Context, page names.PageID) (bool, error) {
	err := r.with(ctx, page, func(*openPage) error { return nil })
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (r *Ring) with(ctx context.Context, page names.PageID, use func(*openPage) error) error {
	var used error
	fetch := func(ctx context.Context) (*openPage, error) { return r.open(ctx, page) }
	if err := r.pages.with(ctx, page, fetch, func(p *openPage) { used = use(p) }); err != nil {
		return err
	}
	return used
}

func (r *Ring) open(ctx context.Context, id names.PageID) (*openPage, error) {
	file, err := r.region.get(ctx, names.Page(id))
	if err != nil {
		return nil, err
	}
	p, k, err := r.unwrap(ctx, file, id)
	if err != nil {
		return nil, fmt.Errorf("open in region %s: %w", r.region.Name, err)
	}
	clear(k.key[:])
	return p, nil
}

// unwrap opens the file of a page. The caller wipes the KEK.
func (r *Ring) unwrap(ctx context.Context, file []byte, id names.PageID) (*openPage, *kek, error) {
	doc, err := parsePage(file, r.trust, id)
	if err != nil {
		return nil, nil, err
	}
	k, err := r.kek(ctx, doc.KEK)
	if err != nil {
		return nil, nil, fmt.Errorf("key page %s: %w", id, err)
	}
	secrets, err := doc.unwrap(&k.key)
	if err != nil {
		return nil, nil, fmt.Errorf("key page %s under KEK %s: %w", id, doc.KEK, err)
	}
	return &openPage{secrets: secrets}, k, nil
}

// kek returns a copy of a KEK, for the caller to wipe.
func (r *Ring) kek(ctx context.Context, id names.KEKID) (*kek, error) {
	var k kek
	fetch := func(ctx context.Context) (*kek, error) {
		doc, err := r.region.readKEK(ctx, r.trust, id)
		if err != nil {
			return nil, err
		}
		return r.region.openKEK(ctx, doc)
	}
	err := r.keks.with(ctx, id, fetch, func(cached *kek) { k = *cached })
	return &k, err
}
