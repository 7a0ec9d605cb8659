package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/archive"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// of makes a fault for the segments of one partition.
func of(partition int32, fail func() error) func(string) error {
	return func(name string) error {
		if r, err := names.ParseRange(name); err == nil && r.Partition.Number == partition {
			return fail()
		}
		return nil
	}
}

// Something else is under the name, in one region and in both.
// It is never taken for done, and the other partitions go on.
func TestOtherBytesUnderTheNameAreNeverDone(t *testing.T) {
	for _, both := range []bool{false, true} {
		t.Run(fmt.Sprintf("both=%t", both), func(t *testing.T) {
			w := newWorld(t, kfake.SeedTopics(2, "orders"))
			conflict := of(0, func() error { return fmt.Errorf("other bytes: %w", fs.ErrExist) })
			w.regions[1].set(conflict)
			if both {
				w.regions[0].set(conflict)
			}
			cfg := w.config("orders")
			cfg.Grace = 500 * time.Millisecond
			var s stalls
			var behind atomic.Bool
			stop := w.run(w.archiver(cfg, s.watch, func(p *archive.Parts) {
				p.Hooks.Behind = func(k archive.Key, _ string, b bool) { behind.Store(b && k.Partition == 0) }
			}))
			w.produce("orders", 0, 50)
			w.produce("orders", 1, 50)
			w.eventually("the other goes on", func() bool { at, _ := w.committed("orders", 1); return at == 50 })
			if both {
				w.eventually("it is told", func() bool { return errors.Is(s.of(0), fs.ErrExist) })
			} else {
				w.eventually("the region is behind", behind.Load)
			}
			if err := stop(); err == nil {
				t.Error("Run returned nil although a region does not hold everything")
			}
			if at, _ := w.committed("orders", 0); at > 0 {
				t.Errorf("committed %d", at)
			}
		})
	}
}

// Both regions are down. Fetching pauses, memory is bounded, and it
// goes on when one returns.
func TestBothRegionsDown(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(4, "orders"))
	w.regions[0].set(away)
	w.regions[1].set(away)
	cfg := w.config("orders")
	cfg.Memory = 1 << 20
	cfg.Fetch.MaxBytes, cfg.Fetch.MaxPartitionBytes = 256<<10, 128<<10
	var most, fetched atomic.Int64
	stop := w.run(w.archiver(cfg, func(p *archive.Parts) {
		p.Hooks.Memory = func(used, _ int64) { most.Store(max(most.Load(), used)) }
		p.Hooks.Fetched = func(_ archive.Key, _ int, records int64, _ int, _ int64) { fetched.Add(records) }
	}))
	const each = 40_000
	for p := range int32(4) {
		w.produce("orders", p, each)
	}
	still := int64(-1)
	w.eventually("fetching pauses", func() bool {
		<-time.After(500 * time.Millisecond)
		before := still
		still = fetched.Load()
		return still > 0 && still == before
	})
	if still == 4*each {
		t.Fatal("everything was fetched: the budget was not reached")
	}
	// What was fetched within the budget may double while it is copied into
	// segments; without a budget it would be twenty times as much.
	if limit := 2 * cfg.Memory; most.Load() > limit {
		t.Errorf("%d bytes taken, want at most %d", most.Load(), limit)
	}
	w.regions[0].set(nil)
	w.eventually("one region goes on", func() bool { return fetched.Load() == 4*each })
	w.regions[1].set(nil)
	w.eventually("both are complete", func() bool { return w.committedAll("orders", 4, each) })
	must(t, stop())
	w.same("orders", 4)
}

// Both regions are down, or the catalogue hangs, when the time to stop has
// come: Run ends, and says what is missing.
func TestStoppingWithoutRegions(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.regions[0].set(away)
	w.regions[1].set(away)
	cfg := w.config("orders")
	cfg.Grace = 300 * time.Millisecond
	var s stalls
	stop := w.run(w.archiver(cfg, s.watch))
	w.produce("orders", 0, 50)
	w.eventually("it is told", func() bool { return errors.Is(s.of(0), errAway) })
	if err := stop(); err == nil || !strings.Contains(err.Error(), "orders/0") {
		t.Errorf("Run returned %v, want an error that names the partition", err)
	}
}

// hangingCatalogue finds no tail until its context ends.
type hangingCatalogue struct{ asked chan struct{} }

func (c hangingCatalogue) Tails(ctx context.Context, _ names.Partition) (cover.Tails, error) {
	c.asked <- struct{}{}
	<-ctx.Done()
	return cover.Tails{}, ctx.Err()
}

func TestStoppingWhileTailsAreSought(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	cfg := w.config("orders")
	cfg.Grace = time.Hour
	hanging := hangingCatalogue{make(chan struct{}, 10)}
	stop := w.run(w.archiver(cfg, func(p *archive.Parts) { p.Catalogue = hanging }))
	<-hanging.asked
	must(t, stop()) // nothing was fetched, so nothing is missing
}

// flakyCatalogue fails a few times, as a region that is away does.
type flakyCatalogue struct {
	*world
	left atomic.Int32
}

func (c *flakyCatalogue) Tails(ctx context.Context, p names.Partition) (cover.Tails, error) {
	if c.left.Add(-1) >= 0 {
		return cover.Tails{}, errAway
	}
	return c.world.Tails(ctx, p)
}

func TestTailsThatFailAreSoughtAgain(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	c := &flakyCatalogue{world: w}
	c.left.Store(3)
	var s stalls
	var told atomic.Int32
	stop := w.run(w.archiver(w.config("orders"), func(p *archive.Parts) {
		p.Catalogue = c
		s.watch(p)
		watch := p.Hooks.Stalled
		p.Hooks.Stalled = func(k archive.Key, err error) {
			if errors.Is(err, errAway) {
				told.Add(1)
			}
			watch(k, err)
		}
	}))
	w.produce("orders", 0, 50)
	w.eventually("archived", func() bool { at, _ := w.committed("orders", 0); return at == 50 })
	must(t, stop())
	if told.Load() != 3 || s.of(0) != nil {
		t.Errorf("told %d times, last %v; want 3 times and then nil", told.Load(), s.of(0))
	}
}

// A region falls behind while it refuses writes: the partition goes on, so it
// is not stalled any more.
func TestBehindIsNotStalled(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.regions[1].set(away)
	var s stalls
	var behind atomic.Bool
	stop := w.run(w.archiver(w.config("orders"), s.watch, func(p *archive.Parts) {
		p.Hooks.Behind = func(_ archive.Key, _ string, b bool) { behind.Store(b) }
	}))
	w.produce("orders", 0, 50)
	w.eventually("the region is behind", behind.Load)
	w.eventually("no stall is left", func() bool { return s.of(0) == nil })
	w.regions[1].set(nil)
	w.eventually("healed", func() bool { at, _ := w.committed("orders", 0); return at == 50 && !behind.Load() })
	must(t, stop())
}

// brokenIndex panics for partition 0.
type brokenIndex struct{}

func (brokenIndex) Begin(names.Partition) {}

func (brokenIndex) Stored(s *segment.Sealed, _ []string) error {
	if s.Header.Partition == 0 {
		panic("injected")
	}
	return nil
}

// A panic in the sealer, and one in the storer behind the write. Each
// stops its partition with its stack; the budget gets everything back.
func TestPanicsInSealerAndStorer(t *testing.T) {
	for name, inject := range map[string]func(*archive.Parts){
		"sealer": func(p *archive.Parts) {
			p.Hooks.Sealed = func(r names.Range, _ archive.Reason, _ uint64, _, _ int, _ time.Duration) {
				if r.Partition.Number == 0 {
					panic("injected")
				}
			}
		},
		"storer": func(p *archive.Parts) { p.Index = brokenIndex{} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, kfake.SeedTopics(2, "orders"))
			var s stalls
			stop := w.run(w.archiver(w.config("orders"), s.watch, inject))
			w.produce("orders", 0, 50)
			w.produce("orders", 1, 50)
			w.eventually("the other goes on", func() bool { at, _ := w.committed("orders", 1); return at == 50 })
			w.eventually("the stack is told", func() bool { return s.of(0) != nil && strings.Contains(s.of(0).Error(), "goroutine") })
			if err := stop(); err == nil {
				t.Error("Run returned nil although a partition has stopped")
			}
			if at, _ := w.committed("orders", 0); at > 0 && len(w.offsets(1, "orders")) < 50 {
				t.Errorf("committed %d, though region b does not hold it", at)
			}
		})
	}
}

// slowRegion holds back its first segment, whatever the context says, until
// it is let go.
type slowRegion struct {
	*memoryRegion
	first atomic.Bool
	began chan struct{}
	let   chan struct{}
}

func newSlowRegion(r *memoryRegion) *slowRegion {
	return &slowRegion{memoryRegion: r, began: make(chan struct{}), let: make(chan struct{})}
}

func (r *slowRegion) Ensure(ctx context.Context, name string, body []byte, sum uint32, until time.Time) error {
	if _, err := names.ParseRange(name); err == nil {
		if r.first.CompareAndSwap(false, true) {
			close(r.began)
			<-r.let
		}
	}
	return r.memoryRegion.Ensure(ctx, name, body, sum, until)
}

func slow(one, two *slowRegion) func(*archive.Parts) {
	return func(p *archive.Parts) { p.Regions = []archive.Region{one, two} }
}

// A zombie. The session ends while both stores hang; the member rejoins
// and archives the same offsets again. What the stores then take late overlaps.
func TestZombieOverlapsAndRejoins(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 300)
	one, two := newSlowRegion(w.regions[0]), newSlowRegion(w.regions[1])
	var owned atomic.Int32
	stop := w.run(w.archiver(w.config("orders"), slow(one, two), func(p *archive.Parts) {
		p.Hooks.Owned = func(_ archive.Key, ours bool) {
			if ours {
				owned.Add(1)
			}
		}
	}))
	<-one.began
	<-two.began
	w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID})
	w.eventually("assigned a second time", func() bool { return owned.Load() == 2 })
	w.eventually("archived by the second life", func() bool { at, _ := w.committed("orders", 0); return at == 300 })
	before := len(w.regions[0].names())
	close(one.let)
	close(two.let)
	w.eventually("the late write lands", func() bool { return len(w.regions[0].names()) > before })
	w.produce("orders", 0, 10)
	w.eventually("goes on", func() bool { at, _ := w.committed("orders", 0); return at == 310 })
	must(t, stop())
	w.same("orders", 1)
}

// Storing takes longer than the session when the time to stop comes.
// Everything is stored and committed, in one membership, before it is left.
func TestStopOutlastsTheSession(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	var mu sync.Mutex
	var order []string
	w.broker.Fault(kfake.Fault{Observe: true, Count: -1, Keys: []kmsg.Key{kmsg.OffsetCommit, kmsg.LeaveGroup}, When: func(r kmsg.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, kmsg.NameForKey(r.Key()))
		return true
	}})
	cfg := w.config("orders")
	cfg.Roll.Age = time.Hour
	cfg.Membership = quickSession()
	one, two := newSlowRegion(w.regions[0]), newSlowRegion(w.regions[1])
	var fetched, lost atomic.Int64
	stop := w.run(w.archiver(cfg, slow(one, two), func(p *archive.Parts) {
		p.Hooks.Fetched = func(_ archive.Key, _ int, records int64, _ int, _ int64) { fetched.Add(records) }
		p.Hooks.Owned = func(_ archive.Key, ours bool) {
			if !ours && w.regions[0].names() == nil {
				lost.Add(1)
			}
		}
	}))
	w.produce("orders", 0, 50)
	w.eventually("fetched", func() bool { return fetched.Load() == 50 })
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	<-one.began
	<-time.After(3 * time.Second) // three sessions
	close(one.let)
	close(two.let)
	must(t, <-ended)
	if at, _ := w.committed("orders", 0); at != 50 {
		t.Errorf("committed %d, want 50", at)
	}
	mu.Lock()
	defer mu.Unlock()
	if lost.Load() > 0 || !slices.Contains(order, "LeaveGroup") || slices.Index(order, "OffsetCommit") > slices.Index(order, "LeaveGroup") || !slices.Contains(order, "OffsetCommit") {
		t.Errorf("requests in the order %v, lost %d times; want the commit before the group is left", order, lost.Load())
	}
}

// A region that is behind and there again is healed before the group is left.
func TestStoppingHealsTheRegionThatIsBehind(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.regions[1].set(away)
	stop := w.run(w.archiver(w.config("orders")))
	w.produce("orders", 0, 50)
	w.eventually("region a goes on alone", func() bool { return len(w.archived(0, "orders", 0)) == 50 })
	w.regions[1].set(nil)
	must(t, stop())
	w.same("orders", 1)
	if at, _ := w.committed("orders", 0); at != 50 {
		t.Errorf("committed %d, want 50", at)
	}
}

// A kill between the regions leaves an object in one of them; the successor may
// cut the same offsets differently. Nothing is missing then, and the regions
// become equal all the same.
func TestARegionThatLacksARedundantObjectIsFilled(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 400)
	w.catchUp(w.config("orders"))
	first := w.regions[0].allRanges()[0]
	copied := first
	copied.Next -= 5
	copied.Digest[0] ^= 1 // the name of another cut; only its place matters here
	w.regions[0].put(copied.String(), w.regions[0].object(first.String()))

	w.catchUp(w.config("orders"))
	if a, b := w.regions[0].names(), w.regions[1].names(); !slices.Equal(a, b) {
		t.Errorf("regions hold different names:\n%q\n%q", a, b)
	}
}
