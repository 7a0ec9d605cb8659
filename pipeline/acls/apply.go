package acls

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

const (
	// rulesPerRequest bounds one request to create rules.
	rulesPerRequest = 500

	// settle is how long the brokers may take until each has heard of a rule
	// that the controller took, asked this often.
	settle      = 30 * time.Second
	settleEvery = 200 * time.Millisecond
)

// Apply executes a plan: it makes the rules that are missing, those that allow
// before those that deny, and reads them back. What is there already is no
// error, so it can be run again.
func Apply(ctx context.Context, a *cover.Archive, plan *Plan, target *kgo.Client) error {
	set, err := At(ctx, a, plan.At)
	if err != nil {
		return err
	}
	if set.Digest != plan.Set {
		return fmt.Errorf("%w: the archive's rules of %s are set %.16s, the plan was made of %.16s: plan again", ErrRefused, plan.At.Format(time.RFC3339Nano), set.Digest, plan.Set)
	}
	o := Options{Topics: plan.Topic}
	now, err := planOf(ctx, set, target, o)
	if err != nil {
		return err
	}
	if len(now.Refusals) > 0 {
		return fmt.Errorf("%w: %s", ErrRefused, strings.Join(now.Refusals, "; "))
	}
	missing := now.Missing()
	slices.SortStableFunc(missing, func(a, b Rule) int { return strings.Compare(a.Permission, b.Permission) })
	for some := range slices.Chunk(missing, rulesPerRequest) {
		if err := create(ctx, target, some); err != nil {
			return fmt.Errorf("create access rules: %w", err)
		}
	}
	return confirm(ctx, set, target, o)
}

// confirm reads back until nothing is missing.
func confirm(ctx context.Context, set *Set, target *kgo.Client, o Options) error {
	deadline := time.Now().Add(settle)
	for {
		after, err := planOf(ctx, set, target, o)
		if err != nil {
			return fmt.Errorf("read the access rules back: %w", err)
		}
		missing := after.Missing()
		if len(missing) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("read the access rules back: %d are missing, the first: %s", len(missing), missing[0])
		}
		timer := time.NewTimer(settleEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
