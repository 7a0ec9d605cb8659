package cover

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// question is something that any of several regions may answer.
type question[T any] struct {
	archive *Archive
	// regions are indexes, in the order in which they are to be asked.
	regions []int
	// bytes is how much is asked for: it decides how long is waited for one.
	bytes int64
	// held is the memory that an answer takes, in bytes, 0 where it is small.
	held int64
	// keys says that it is about key pages: their places and the KMS may work
	// while those of the data do not, and the other way round.
	keys bool
	// running counts the requests that are out; nil where nobody waits for
	// those that lost: they end as soon as their store gives up a call whose
	// context has ended.
	running *sync.WaitGroup
	// ask asks one region. It must not touch anything that another ask touches.
	ask func(ctx context.Context, r *Region) (T, error)
	// drop takes back an answer that came too late; it may be nil.
	drop func(T)
}

// first returns the first answer without an error, and the index of the region
// that gave it; -1 if none did. errs are those of the regions that failed.
//
// Regions that are in turn are asked before the others. The next region is asked
// when one fails, and, if the archive hedges, as well as one that keeps waiting
// longer than most of its reads took, or instead of one that is found not to work
// meanwhile. Who loses is cancelled.
func first[T any](ctx context.Context, q question[T]) (answer T, region int, errs map[int]error) {
	q.budget().earn()
	order := q.order(ctx)
	if !q.archive.options.Hedge || len(order) == 1 {
		return oneByOne(ctx, q, order)
	}
	r := &race[T]{question: q, order: order, answers: make(chan reply[T], len(order)), errs: map[int]error{}}
	return r.run(ctx)
}

// oneByOne asks a region when the one before it has failed.
func oneByOne[T any](ctx context.Context, q question[T], order []int) (answer T, region int, errs map[int]error) {
	errs = map[int]error{}
	for n, i := range order {
		r := &q.archive.regions[i]
		answer, err := q.ask(ctx, r)
		if err == nil {
			return answer, i, errs
		}
		errs[i] = err
		if ctx.Err() != nil {
			break
		}
		if n+1 < len(order) {
			q.of(r).use.failovers.Add(1)
		}
	}
	return answer, -1, errs
}

// reason is the error that stands for all: that of one region, unless it was
// only slow and another says more.
func reason(ctx context.Context, errs map[int]error, own int) error {
	if err := errs[own]; err != nil && !errors.Is(err, errOvertaken) {
		return err
	}
	for _, i := range slices.Sorted(maps.Keys(errs)) {
		if !errors.Is(errs[i], errOvertaken) {
			return errs[i]
		}
	}
	return cmp.Or(ctx.Err(), errOvertaken)
}

// joined is all errors, in the order of the regions.
func joined(ctx context.Context, errs map[int]error) error {
	var all []error
	for _, i := range slices.Sorted(maps.Keys(errs)) {
		all = append(all, errs[i])
	}
	return cmp.Or(errors.Join(all...), ctx.Err())
}

// fromPlaces is first of the regions that list an object.
func fromPlaces[T any](ctx context.Context, a *Archive, places []Place, ask func(context.Context, *Region) (T, error)) (answer T, region int, errs map[int]error) {
	q := question[T]{archive: a, bytes: smallObject, ask: ask}
	for _, p := range places {
		q.regions = append(q.regions, a.index(p.Region))
	}
	return first(ctx, q)
}

// race is one question that is asked of several regions.
type race[T any] struct {
	question[T]
	order   []int
	answers chan reply[T]
	errs    map[int]error

	// What follows belongs to run.
	asked   int // of order
	live    int // asked, and not answered yet
	cancels []context.CancelCauseFunc
	leaves  <-chan struct{} // of who was asked last and in turn; nil once that is used

	mu      sync.Mutex
	decided bool
	debt    int64 // spare memory taken for a second answer
}

type reply[T any] struct {
	place int // in order
	value T
	err   error
}

func (r *race[T]) run(ctx context.Context) (answer T, region int, errs map[int]error) {
	r.next(ctx)
	defer func() { r.decide(len(r.order)) }()
	wait, begun := time.NewTimer(r.patience()), time.Now()
	defer wait.Stop()
	for {
		select {
		case got := <-r.answers:
			if r.live--; got.err == nil {
				r.decide(got.place)
				return got.value, r.order[got.place], r.errs
			}
			r.errs[r.order[got.place]] = got.err
			if r.live > 0 {
				continue
			}
			if r.asked == len(r.order) || ctx.Err() != nil {
				return answer, -1, r.errs
			}
			r.health(got.place).use.failovers.Add(1)
			r.next(ctx)
			begun = time.Now()
			wait.Reset(r.patience())
		case <-wait.C:
			if r.asked < len(r.order) && r.live == 1 && r.mayHedge(time.Since(begun)) {
				r.health(r.asked).use.hedges.Add(1)
				r.next(ctx)
			}
			wait.Reset(r.patience())
		case <-r.givenUp():
			// Its answer comes as an error, and then the next one is asked: two
			// answers are not held at a time.
			r.leaves = nil
			r.overtake(r.asked - 1)
		}
	}
}

func (r *race[T]) health(place int) *health { return r.of(&r.archive.regions[r.order[place]]) }

// patience is how long to wait for who was asked last.
func (r *race[T]) patience() time.Duration { return r.health(r.asked - 1).patience(r.bytes) }

// givenUp is closed when the only region that is waited for is found not to
// work, while one that works is left to be asked.
func (r *race[T]) givenUp() <-chan struct{} {
	if r.live != 1 || r.leaves == nil || r.asked == len(r.order) || r.health(r.asked).state() != InTurn {
		return nil
	}
	return r.leaves
}

// next asks the next region.
func (r *race[T]) next(ctx context.Context) {
	place := r.asked
	r.asked++
	r.live++
	r.leaves = nil
	if h := r.health(place); h.state() == InTurn {
		r.leaves = h.leaves()
	}
	own, cancel := context.WithCancelCause(ctx)
	r.cancels = append(r.cancels, cancel)
	ask := func() {
		value, err := r.ask(own, &r.archive.regions[r.order[place]])
		if err != nil && errors.Is(context.Cause(own), errOvertaken) {
			err = errOvertaken
		}
		r.end(reply[T]{place, value, err})
	}
	if r.running != nil {
		r.running.Go(ask)
		return
	}
	go ask()
}

// end hands an answer over, or drops it if another was taken.
func (r *race[T]) end(got reply[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if got.err != nil || r.decided {
		r.archive.spare.give(r.debt)
		r.debt = 0
	}
	if !r.decided {
		r.answers <- got
		return
	}
	if got.err == nil && r.drop != nil {
		r.drop(got.value)
	}
}

// decide ends the race: those asked before the winner were too slow.
func (r *race[T]) decide(winner int) {
	r.mu.Lock()
	r.decided = true
	r.mu.Unlock()
	for place, cancel := range r.cancels {
		if place < winner && winner < len(r.order) && r.errs[r.order[place]] == nil {
			r.overtake(place)
		} else if cancel != nil {
			cancel(errNeedless)
		}
	}
	for { // who answered between the winner and the decision
		select {
		case late := <-r.answers:
			r.end(late)
		default:
			return
		}
	}
}

func (r *race[T]) overtake(place int) {
	if cancel := r.cancels[place]; cancel != nil {
		r.cancels[place] = nil
		r.health(place).use.overtaken.Add(1)
		cancel(errOvertaken)
	}
}

// mayHedge decides whether one more request may be made: they are few among
// all, and what they hold is bounded. What is small and has waited for longest is
// asked again in any case.
func (r *race[T]) mayHedge(waited time.Duration) bool {
	if r.bytes <= smallObject && waited >= hedgeLatest {
		return true
	}
	if !r.budget().spend() {
		return false
	}
	if !r.archive.spare.take(r.held) {
		r.budget().refund()
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.debt += r.held
	return true
}

// of is the health that counts for a question.
func (q *question[T]) of(r *Region) *health {
	if q.keys {
		return r.keys
	}
	return r.health
}

// order is that in which regions are asked. One that has rested is tried: with
// this very question where it is about keys, for nothing else is known to ask.
func (q *question[T]) order(ctx context.Context) []int {
	if !q.keys {
		return q.archive.inOrder(ctx, q.regions, q.running)
	}
	return q.archive.sorted(q.regions, func(r *Region) State {
		s := r.keys.state()
		if s == OnTrial && q.archive.options.Hedge {
			r.keys.try(ctx, q.running, func(ctx context.Context) error {
				_, err := q.ask(ctx, r)
				return err
			})
		}
		return s
	})
}

// inOrder is order for data.
func (a *Archive) inOrder(ctx context.Context, regions []int, running *sync.WaitGroup) []int {
	return a.sorted(regions, func(r *Region) State {
		s := r.health.state()
		if s == OnTrial {
			a.try(ctx, r, running)
		}
		return s
	})
}

// sorted puts the regions that are in turn first.
func (a *Archive) sorted(regions []int, state func(*Region) State) []int {
	if !a.options.Hedge {
		return regions
	}
	var order, last []int
	for _, i := range regions {
		if state(&a.regions[i]) == InTurn {
			order = append(order, i)
		} else {
			last = append(last, i)
		}
	}
	return append(order, last...)
}

// try asks a region that has rested for something small.
func (a *Archive) try(ctx context.Context, r *Region, running *sync.WaitGroup) {
	r.health.try(ctx, running, func(ctx context.Context) error {
		_, err := r.raw.Stat(ctx, names.Archive)
		return err
	})
}

// budgets are kept apart, so that what costs little and is asked often neither
// pays for what costs much nor uses up what it has.
type budgets struct{ keys, small, large budget }

func newBudgets() budgets {
	full := func() budget { return budget{tokens: hedgeBurst} }
	return budgets{full(), full(), full()}
}

func (q *question[T]) budget() *budget {
	switch b := &q.archive.budgets; {
	case q.keys:
		return &b.keys
	case q.bytes <= smallObject:
		return &b.small
	default:
		return &b.large
	}
}

// budget bounds how many requests are made twice: each read earns a part of
// one, and some may come at once.
type budget struct {
	mu     sync.Mutex
	tokens float64
}

func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+hedgeShare, hedgeBurst)
}

func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (b *budget) refund() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens++
}
