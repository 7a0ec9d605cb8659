package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	if err := checkLock(r, c); err != nil {
		return err
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

// permissionLock is what it takes to ask a bucket about Object Lock.
const permissionLock = "s3:GetBucketObjectLockConfiguration"

// checkLock refuses a store that cannot keep the promise of retention.mode:
// every write to it would be refused, and archiving stand still.
func checkLock(r *Region, c objects.Capabilities) error {
	switch {
	case r.lock == objects.LockNone || c.ObjectLock:
		return nil
	case slices.Contains(c.Denied, permissionLock):
		return fmt.Errorf("region %s: retention.mode is %s, and the credentials may not ask whether the bucket has Object Lock: grant %s: %w", r.Name, r.lock, permissionLock, ErrStore)
	default:
		return fmt.Errorf("region %s: retention.mode is %s, but %s has no Object Lock: use a bucket that was made with Object Lock, or set retention.mode to none: %w", r.Name, r.lock, r.Data.Name(), ErrStore)
	}
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
	t := heal.Targets{Stores: map[string]heal.Store{}, Keys: keyHealer{pages}, Spool: a.spool()}
	for _, r := range a.Regions {
		t.Stores[r.Name] = r
	}
	return heal.New(a.Cover, t)
}

type keyHealer struct{ *keys.Writer }

func (k keyHealer) HealPage(ctx context.Context, from, to string, page names.PageID) error {
	return k.Copy(ctx, page, from, to)
}
