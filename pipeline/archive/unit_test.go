package archive

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
)

func quiet(int64, int64) {}

// What is on its way to the stores is waited for before more is asked for, but
// not for ever.
func TestBudgetAsksForNoMoreThanItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan int64, 10)
		b := newBudget(100, func(need int64) { asked <- need }, quiet)
		b.add(90)
		b.seal(60, 60) // 60 of the 90 are sealed
		done := make(chan error)
		go func() { done <- b.reserve(t.Context(), 50) }()
		synctest.Wait()
		if len(asked) != 0 {
			t.Errorf("asked for %d bytes although 60 are leaving", <-asked)
		}
		<-time.After(2 * relieveAfter)
		synctest.Wait()
		if n := len(asked); n != 1 || <-asked != 40 {
			t.Errorf("asked %d times in the end, want once, for 40", n)
		}
		b.unseal(60)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if b.used != 80 || b.leaving != 0 {
			t.Errorf("used %d, leaving %d; want 80 and 0", b.used, b.leaving)
		}
	})
}

// However often bytes come back, it is asked for more only now and then; but
// what still lacks is asked for.
func TestBudgetAsksNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []int64
		b := newBudget(1000, func(need int64) { asked = append(asked, need) }, quiet)
		b.add(1000)
		done := make(chan error)
		go func() { done <- b.reserve(t.Context(), 500) }()
		for range 400 { // a byte each, all at once
			synctest.Wait()
			b.add(-1)
		}
		<-time.After(2 * relieveEvery)
		synctest.Wait()
		if len(asked) != 2 || asked[0] != 500 || asked[1] != 100 {
			t.Errorf("asked for %v, want 500 and then the 100 that still lack", asked)
		}
		b.add(-100)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestBudgetLetsOneLargeFetchPass(t *testing.T) {
	b := newBudget(100, func(int64) {}, quiet)
	if err := b.reserve(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.reserve(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a second one got %v, want to wait until the context ends", err)
	}
}

func TestBuffersAreOfTheirClass(t *testing.T) {
	b := buffers{most: 64 << 20}
	for _, n := range []int{1 << 16, 1<<16 + 1, 1 << 20} {
		buf := b.get(n)
		if cap(buf) < n || cap(buf) > 2*n || len(buf) != 0 {
			t.Errorf("get(%d): length %d, capacity %d", n, len(buf), cap(buf))
		}
		b.put(buf)
	}
	b.put(make([]byte, 0, 1<<20-1)) // belongs to the class below its capacity
	if buf := b.get(1 << 20); cap(buf) < 1<<20 {
		t.Errorf("capacity %d, want 1 MiB", cap(buf))
	}
	if buf := b.get(100); buf != nil {
		t.Error("a small buffer is kept")
	}
}

func TestASmallerBufferIsKeptWhenItGrows(t *testing.T) {
	b := buffers{most: 64 << 20}
	small := append(b.get(1<<20), "begun"...)
	large := b.grow(small, 3<<20)
	if string(large) != "begun" || cap(large) != 4<<20 {
		t.Errorf("%q with room for %d bytes, want what was there and 4 MiB", large, cap(large))
	}
	if again := b.get(1 << 20); &again[:1][0] != &small[0] {
		t.Error("the smaller buffer is not used again")
	}
}

func TestBuffersAreKeptUpToTheirShare(t *testing.T) {
	b := &New(Config{Memory: keptShare << 20}, Parts{}).buffers
	first, second := b.get(1<<20), b.get(1<<20)
	b.put(first)
	b.put(second)
	if b.kept != 1<<20 {
		t.Errorf("%d bytes are kept of two buffers of 1 MiB, want one of them", b.kept)
	}
}

func level(next int64, regions int) *tails {
	t := new(tails)
	t.reset(make([]Tail, regions), make([]bool, regions))
	for i := range t.regions {
		t.regions[i].Next = next
	}
	return t
}

func at(base, next int64) names.Range { return names.Range{Base: base, Next: next} }

// Healing ends while an object is stored in the other region only.
func TestTailsHealedTooEarlyFallBehindAgain(t *testing.T) {
	s := level(10, 2)
	s.settle(at(10, 20), names.Digest{1}, []int{0})
	if !s.behind(1) || s.behind(0) {
		t.Fatal("want region 1 behind")
	}
	from := s.at(1) // [20, 30) is on its way to region 0 alone
	if !s.healed(1, from, Tail{Next: 20}) {
		t.Fatal("healed up to the other's tail is not level")
	}
	if fell := s.settle(at(20, 30), names.Digest{2}, []int{0}); len(fell) != 1 || fell[0] != 1 || !s.behind(1) {
		t.Errorf("fell %v, want region 1: nobody would ever bring it [20, 30)", fell)
	}
	if low := s.lower(); low.Next != 20 {
		t.Errorf("lower tail %d, want 20", low.Next)
	}
}

// A segment fills an older hole in one region only: the other's tail goes back
// below it, and healing that began before does not move it over the hole.
func TestTailsGoBackBelowAHole(t *testing.T) {
	s := level(30, 2)
	from := s.at(1)
	s.settle(at(5, 10), names.Digest{}, []int{0})
	if got := s.at(1).Next; got != 5 || !s.behind(1) || s.at(0).Next != 30 {
		t.Errorf("tails %d and %d, want 30 and 5", s.at(0).Next, got)
	}
	if s.healed(1, from, Tail{Next: 40}) || s.at(1).Next != 5 {
		t.Error("healing from a tail that has moved counts")
	}
	if s = level(30, 2); len(s.settle(at(5, 10), names.Digest{}, []int{0, 1})) != 0 || s.lower().Next != 30 {
		t.Error("a hole filled in both regions moves a tail")
	}
}

func TestTailsAllBehindWritesToAll(t *testing.T) {
	s := level(10, 2)
	s.regions[0].behind, s.regions[1].behind = true, true
	if got := s.targets(); len(got) != 2 {
		t.Errorf("targets %v, want both: the object is nowhere else", got)
	}
	s.regions[1].behind = false
	if got := s.targets(); len(got) != 1 || got[0] != 1 {
		t.Errorf("targets %v, want 1", got)
	}
}

// cursorOver has a hole [5, 10), a tail at 20, and ends at until.
func cursorOver(until int64) *cursor {
	return &cursor{chunk: make(chan chunk, chunksAhead), epoch: 3, until: until, next: 5, spans: []span{{from: 5, to: 10}, {from: 20, to: endless}}}
}

// A hole is fetched to its end even if the log ends below it was thought to,
// and the end behind a jump is noticed.
func TestCursorEndsBehindItsLastSpan(t *testing.T) {
	c := cursorOver(20)
	if c.caughtUp() || !c.ready(time.Now()) {
		t.Fatal("caught up before the hole is filled")
	}
	c.jump()
	if first := c.first(); first.closing != ByCatchUp || first.begin.from != 20 || c.ready(time.Now()) {
		t.Errorf("after the jump to the end: %+v, want it to say so", first)
	}
	if c.epoch != unknownEpoch {
		t.Errorf("epoch %d goes with the jump: a broker would take it for a truncated log", c.epoch)
	}
	if c = cursorOver(4); c.caughtUp() {
		t.Error("caught up inside a hole")
	}
}

// fakeGroup keeps what was committed, and can be held.
type fakeGroup struct {
	committed map[Key]int64
	entered   atomic.Int32
	before    func()
}

func (g *fakeGroup) commit(_ context.Context, offsets map[string]map[int32]kgo.EpochOffset, done onCommit) {
	g.entered.Add(1)
	if g.before != nil {
		g.before()
	}
	resp := kmsg.NewPtrOffsetCommitResponse()
	for topic, ps := range offsets {
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic = topic
		for n, o := range ps {
			g.committed[Key{topic, n}] = o.Offset
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition = n
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	done(nil, nil, resp, nil)
}

func newCommits(g *fakeGroup) *commits {
	return &commits{commit: g.commit, turn: make(chan struct{}, 1), dirty: map[*partition]bool{}, last: map[Key]int64{}}
}

func partitionAt(next int64) *partition {
	p := &partition{key: Key{"orders", 0}}
	p.tails.reset([]Tail{{Next: next}, {Next: next}}, make([]bool, 2))
	return p
}

// A commit that was under way must not land behind the last one of a partition
// that was given up.
func TestCommitsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		g := &fakeGroup{committed: map[Key]int64{}, before: func() { <-hold }}
		c, p := newCommits(g), partitionAt(10)
		c.note(p)
		go c.flushAll(t.Context())
		synctest.Wait()
		p.tails.settle(at(10, 20), names.Digest{}, []int{0, 1})
		last := make(chan error, 1)
		go func() { last <- c.flush(t.Context(), []*partition{p}) }()
		synctest.Wait()
		if n := g.entered.Load(); n != 1 {
			t.Errorf("%d commits under way at once, want one", n)
		}
		close(hold)
		if err := <-last; err != nil || g.committed[p.key] != 20 {
			t.Errorf("committed %d, error %v; want 20", g.committed[p.key], err)
		}
		synctest.Wait()
	})
}

func TestNothingIsCommittedForAPartitionGivenUp(t *testing.T) {
	g := &fakeGroup{committed: map[Key]int64{}}
	c, p := newCommits(g), partitionAt(10)
	c.forget(p)
	c.note(p) // healing, a moment late
	if err := errors.Join(c.flushAll(t.Context()), c.flush(t.Context(), []*partition{p})); err != nil || len(g.committed) != 0 {
		t.Errorf("committed %v, error %v; want nothing", g.committed, err)
	}
}
