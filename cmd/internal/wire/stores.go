package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/heal"
	"github.com/tidemark-io/tidemark/sinks/keys"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// startLimit bounds what is asked of each store before archiving begins: one
// that is down must not keep the other waiting.
const startLimit = 10 * time.Second

// ErrStore marks a store that must not be archived to as it is.
var ErrStore = errors.New("store is not fit")

// CheckStores looks, before archiving begins, whether each region does what
// the archive rests on. A region that does not answer is only a warning: the
// other goes on. The error wraps ErrStore.
func (a *Archive) CheckStores(ctx context.Context) error {
	var errs []error
	for _, r := range a.Regions {
		errs = append(errs, a.checkStore(ctx, r))
	}
	return errors.Join(errs...)
}

func (a *Archive) checkStore(ctx context.Context, r *Region) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	c, err := r.Data.Capabilities(ctx)
	if err != nil {
		a.Log.Warn("region is not there yet", "region", r.Name, "error", err)
		return nil
	}
	if r.lock != objects.LockNone && !c.ObjectLock {
		return fmt.Errorf("region %s: retention.mode is %s, but the bucket has no Object Lock: make it anew with Object Lock, or set retention.mode to none: %w", r.Name, r.lock, ErrStore)
	}
	if c.DefaultMode != objects.LockNone {
		a.Log.Warn("the bucket locks every object by default: remove its default retention", "region", r.Name, "mode", c.DefaultMode.String(), "for", c.DefaultRetention.String())
	}
	conditional, err := objects.ProbeConditional(ctx, r.Data)
	if err != nil {
		a.Log.Warn("probe of conditional writes", "region", r.Name, "error", err)
	}
	if err == nil && !conditional {
		if r.lock != objects.LockNone {
			return fmt.Errorf("region %s: the store ignores If-None-Match, and with Object Lock every repeated write would be kept for years: use a store with conditional writes: %w", r.Name, ErrStore)
		}
		a.Log.Warn("the store ignores If-None-Match: correct all the same, at the cost of extra versions", "region", r.Name)
	}
	return nil
}

// KeyRegions returns the regions as package keys sees them.
func (a *Archive) KeyRegions() []keys.Region {
	var list []keys.Region
	for _, r := range a.Regions {
		list = append(list, r.Key)
	}
	return list
}

// Healer returns what makes the regions equal; it writes with the key pages of
// a process that may sign them.
func (a *Archive) Healer(pages *keys.Writer) *heal.Healer {
	t := heal.Targets{Stores: map[string]heal.Store{}, Keys: keyHealer{pages}}
	for _, r := range a.Regions {
		t.Stores[r.Name] = r
	}
	return heal.New(a.Cover, t)
}

type keyHealer struct{ *keys.Writer }

func (k keyHealer) HealPage(ctx context.Context, from, to string, page names.PageID) error {
	return k.Copy(ctx, page, from, to)
}
