package keys

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestCacheBound(t *testing.T) {
	var dropped []int
	c := newCache[int](2, func(v int) { dropped = append(dropped, v) })
	get := func(k int) {
		t.Helper()
		load := func(context.Context) (int, error) { return 10 * k, nil }
		if err := c.with(t.Context(), k, load, func(v int) {
			if v != 10*k {
				t.Fatalf("value %d of key %d", v, k)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	get(1)
	get(2)
	get(1) // now 2 is the one not used for longest
	get(3)
	if len(dropped) != 1 || dropped[0] != 20 || len(c.entries) != 2 {
		t.Fatalf("dropped %v, %d kept", dropped, len(c.entries))
	}
	c.clear()
	if len(dropped) != 3 || len(c.entries) != 0 {
		t.Fatalf("dropped %v after clear", dropped)
	}
}

// TestCacheLeaderGivesUp: the one who loads is cancelled; those who wait with
// it load again instead of failing with it.
func TestCacheLeaderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[int](2, func(int) {})
		ctx, cancel := context.WithCancel(t.Context())
		stuck := func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		leader, follower := make(chan error, 1), make(chan error, 1)
		go func() { leader <- c.with(ctx, 1, stuck, func(int) {}) }()
		synctest.Wait()
		quick := func(context.Context) (int, error) { return 7, nil }
		go func() { follower <- c.with(t.Context(), 1, quick, func(int) {}) }()
		synctest.Wait()
		cancel()
		if err := <-leader; !errors.Is(err, context.Canceled) {
			t.Fatalf("leader: %v", err)
		}
		if err := <-follower; err != nil {
			t.Fatalf("follower: %v", err)
		}
	})
}

// TestCacheWaitEnds: waiting for another's load ends with the own context.
func TestCacheWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[int](2, func(int) {})
		release := make(chan struct{})
		slow := func(context.Context) (int, error) { <-release; return 1, nil }
		go func() { _ = c.with(t.Context(), 1, slow, func(int) {}) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.with(ctx, 1, slow, func(int) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
	})
}
