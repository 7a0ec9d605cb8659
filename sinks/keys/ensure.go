package keys

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Ensure returns nil once a region durably holds a page and the KEK that
// opens it; a segment that uses the page may follow. It is remembered, so that
// a call for a page already there costs nothing. The regions do not wait for
// each other: one whose store or KMS is down fails alone, with an error that
// errors.As finds as *KMSError where it was the KMS.
//
// A page that this writer did not make, or has long finished with, must
// already be in the region, or it is fs.ErrNotExist: see Copy.
func (w *Writer) Ensure(ctx context.Context, region string, id names.PageID) error {
	i, err := w.region(region)
	if err != nil {
		return err
	}
	p, done, err := w.find(i, id)
	if err != nil || done {
		return err
	}
	if p == nil {
		return w.present(ctx, i, id)
	}
	if err := p.gates[i].enter(ctx); err != nil {
		return err
	}
	defer p.gates[i].leave()
	if _, done, err := w.find(i, id); err != nil || done {
		return err
	}
	return w.store(ctx, i, p)
}

func (w *Writer) region(name string) (int, error) {
	i := slices.IndexFunc(w.regions, func(r Region) bool { return r.Name == name })
	if i < 0 {
		return i, fmt.Errorf("region %q: %w", name, fs.ErrNotExist)
	}
	return i, nil
}

// find returns the page if it is one of ours, and whether the region is known
// to have it.
func (w *Writer) find(i int, id names.PageID) (p *page, done bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, false, ErrClosed
	}
	if p = w.pages[id]; p != nil {
		return p, p.durable[i], nil
	}
	return nil, slices.Contains(w.finished, id), nil
}

func (w *Writer) present(ctx context.Context, i int, id names.PageID) error {
	there, err := w.rings[i].Has(ctx, id)
	if err == nil && !there {
		err = fmt.Errorf("key page %s or its KEK in region %s: %w", id, w.regions[i].Name, fs.ErrNotExist)
	}
	return err
}

// store keeps the order KEK, page: a page whose KEK is missing opens for
// nobody.
func (w *Writer) store(ctx context.Context, i int, p *page) error {
	file, k, err := w.sealed(ctx, p)
	if err != nil {
		return err
	}
	if err := w.ensureKEK(ctx, i, k); err != nil {
		return err
	}
	if err := w.regions[i].Store.Ensure(ctx, names.Page(p.id), file); err != nil {
		return fmt.Errorf("store key page in region %s: %w", w.regions[i].Name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.durable[i] = true
	w.settle(p)
	return nil
}

// sealed returns the page's one file, the same for each region and retry.
func (w *Writer) sealed(ctx context.Context, p *page) ([]byte, *kek, error) {
	w.mu.Lock()
	file, k := p.file, p.kek
	w.mu.Unlock()
	if file != nil {
		return file, k, nil
	}
	k, err := w.currentKEK(ctx)
	if err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, nil, ErrClosed
	}
	if p.file == nil {
		err = p.seal(w.trust.Archive(), w.signer, k)
	}
	return p.file, p.kek, err
}

// ensureKEK makes a region hold the KEK, wrapped by its own KMS.
func (w *Writer) ensureKEK(ctx context.Context, i int, k *kek) error {
	if w.holds(i, k.id) {
		return nil
	}
	if err := w.wrapping[i].enter(ctx); err != nil {
		return err
	}
	defer w.wrapping[i].leave()
	if w.holds(i, k.id) {
		return nil
	}
	err := w.compareKEK(ctx, i, k)
	if errors.Is(err, fs.ErrNotExist) {
		err = w.storeKEK(ctx, i, k)
	}
	if err != nil {
		return fmt.Errorf("store KEK in region %s: %w", w.regions[i].Name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[i][k.id] = true
	return nil
}

func (w *Writer) holds(i int, id names.KEKID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held[i][id]
}

// compareKEK is nil if the region's file opens and holds this key. A file
// that was copied from another region does not.
func (w *Writer) compareKEK(ctx context.Context, i int, k *kek) error {
	have, err := w.rings[i].kek(ctx, k.id)
	if err != nil {
		return err
	}
	if have.key != k.key {
		return fmt.Errorf("KEK %s is another key there: %w", k.id, ErrWrongKey)
	}
	return nil
}

// storeKEK wraps and stores. Wrapping twice gives two texts, so another
// process may have been faster with a file that differs and is as good.
func (w *Writer) storeKEK(ctx context.Context, i int, k *kek) error {
	file, err := w.regions[i].sealKEK(ctx, w.signer, w.trust.Archive(), k)
	if err != nil {
		return err
	}
	err = w.regions[i].Store.Ensure(ctx, names.KEK(k.id), file)
	if errors.Is(err, fs.ErrExist) {
		return w.compareKEK(ctx, i, k)
	}
	return err
}

// settle forgets pages that are used up and need this writer no more: durable
// in every region, or too many and durable in one. mu is held.
func (w *Writer) settle(p *page) {
	if p.usedUp() && !slices.Contains(p.durable, false) {
		w.forget(p)
		w.finished = append(w.finished, p.id)
		if len(w.finished) > rememberedPages {
			w.finished = slices.Delete(w.finished, 0, 1)
		}
	}
	for _, id := range slices.Clone(w.order) {
		if len(w.order) <= maxPending {
			return
		}
		if old := w.pages[id]; old.usedUp() && slices.Contains(old.durable, true) {
			w.forget(old)
		}
	}
}

func (w *Writer) forget(p *page) {
	clear(p.secrets)
	delete(w.pages, p.id)
	w.order = slices.DeleteFunc(w.order, func(id names.PageID) bool { return id == p.id })
}
