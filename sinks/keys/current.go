package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// currentKEK returns the KEK for new pages: the newest young one that opens
// in any region, or else a new one.
func (w *Writer) currentKEK(ctx context.Context) (*kek, error) {
	if err := w.choosing.enter(ctx); err != nil {
		return nil, err
	}
	defer w.choosing.leave()
	now := w.opts.Now()
	have, searched := w.chosen()
	if have != nil && w.young(have.created, now) && now.Sub(searched).Abs() < kekSearch {
		return have, nil
	}
	found, err := w.search(ctx, now)
	k := w.newer(have, found, now)
	switch {
	case k != nil:
	case have != nil:
		k = w.replace(ctx, have, now)
	case err != nil:
		return nil, fmt.Errorf("look for a KEK: %w", err)
	default:
		k = newKEK(now)
		w.opts.Logger.Info("made a key-encryption key", "kek", k.id.String())
	}
	return k, w.adopt(k, now)
}

func (w *Writer) chosen() (*kek, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current, w.searched
}

// newer returns the newest young KEK of what we have and what was found.
func (w *Writer) newer(have, found *kek, now time.Time) *kek {
	if have == nil || !w.young(have.created, now) {
		return found
	}
	if found != nil && found.created.After(have.created) {
		return found
	}
	return have
}

// replace makes a KEK in the place of one that grew old, once every region
// holds it. Until then the old one serves: a KMS that is down at that very
// hour must not stop a region that has all it needs.
func (w *Writer) replace(ctx context.Context, old *kek, now time.Time) *kek {
	k := newKEK(now)
	if errs := w.spread(ctx, k); len(errs) > 0 {
		w.opts.Logger.Warn("kept an old key-encryption key", "kek", old.id.String(), "error", errors.Join(errs...))
		return old
	}
	w.opts.Logger.Info("replaced an old key-encryption key", "old", old.id.String(), "kek", k.id.String())
	return k
}

// spread stores a KEK in all regions at once, and returns the errors of those
// that failed.
func (w *Writer) spread(ctx context.Context, k *kek) []error {
	return w.each(ctx, func(ctx context.Context, i int) error { return w.ensureKEK(ctx, i, k) })
}

// each calls do for all regions at once, each within regionWait, and returns
// the errors of those that failed.
func (w *Writer) each(ctx context.Context, do func(ctx context.Context, i int) error) []error {
	ctx, cancel := context.WithTimeout(ctx, regionWait)
	defer cancel()
	results := make(chan error, len(w.regions))
	for i := range w.regions {
		go func() { results <- do(ctx, i) }()
	}
	var errs []error
	for range w.regions {
		if err := <-results; err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (w *Writer) adopt(k *kek, now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	w.current, w.searched = k, now
	return nil
}

func (w *Writer) young(created, now time.Time) bool {
	age := now.Sub(created)
	return age < w.opts.KEKAge && age > -kekSkew
}

// search asks all regions for their newest KEK. It returns an error only if
// every region failed.
func (w *Writer) search(ctx context.Context, now time.Time) (*kek, error) {
	found := make([]*kek, len(w.regions))
	errs := w.each(ctx, func(ctx context.Context, i int) (err error) {
		found[i], err = w.newest(ctx, i, now)
		return err
	})
	var best *kek
	for _, k := range found {
		if k != nil && (best == nil || k.created.After(best.created)) {
			best = k
		}
	}
	if best == nil && len(errs) == len(w.regions) {
		return nil, errors.Join(errs...)
	}
	return best, nil
}

// newest returns the newest young KEK of a region that opens, or nil. A file
// that does not verify or open is passed over, for a new KEK serves as well.
func (w *Writer) newest(ctx context.Context, i int, now time.Time) (*kek, error) {
	docs, err := w.youngKEKs(ctx, i, now)
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		k, err := w.rings[i].kek(ctx, doc.KEK)
		if err == nil {
			return k, nil
		}
		if retryable(err) {
			return nil, err
		}
		w.opts.Logger.Warn("passed over a key-encryption key", "region", w.regions[i].Name, "error", err)
	}
	return nil, nil
}

// retryable reports that the KMS or the caller's time was at fault, not the
// file.
func retryable(err error) bool {
	return errors.Is(err, ErrKMSUnavailable) || gaveUp(err)
}

// youngKEKs returns the region's files to choose from, the newest first.
func (w *Writer) youngKEKs(ctx context.Context, i int, now time.Time) ([]*kekFile, error) {
	var docs []*kekFile
	for id, err := range w.regions[i].listKEKs(ctx) {
		if err != nil {
			return nil, err
		}
		file, err := w.regions[i].get(ctx, names.KEK(id))
		if err != nil {
			return nil, err
		}
		doc, err := w.regions[i].parseKEK(file, w.trust, id)
		if err != nil {
			w.opts.Logger.Warn("passed over a key-encryption key", "region", w.regions[i].Name, "error", err)
			continue
		}
		if w.young(doc.Created, now) {
			docs = append(docs, doc)
		}
	}
	slices.SortFunc(docs, func(a, b *kekFile) int { return b.Created.Compare(a.Created) })
	return docs, nil
}

// Rotate makes a new KEK, stores it in every region and uses it for every page
// that is not sealed yet. Other running writers find it within an hour. Old
// KEKs stay, since old pages need them. An error names the regions that lack
// the KEK; if one has it, it is in use and the others get it with their next
// page.
func (w *Writer) Rotate(ctx context.Context) (names.KEKID, error) {
	if err := w.choosing.enter(ctx); err != nil {
		return names.KEKID{}, err
	}
	defer w.choosing.leave()
	now := w.opts.Now()
	k := newKEK(now)
	errs := w.spread(ctx, k)
	if len(errs) == len(w.regions) {
		return names.KEKID{}, fmt.Errorf("rotate KEK: %w", errors.Join(errs...))
	}
	if err := w.adopt(k, now); err != nil {
		return names.KEKID{}, err
	}
	return k.id, errors.Join(errs...)
}
