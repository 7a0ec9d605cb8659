package cover

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// State is the place of a region among those that are asked.
type State int32

const (
	// InTurn: the region is asked in the order of the configuration.
	InTurn State = iota
	// OnTrial: it failed and has rested; one small request of its own decides,
	// and no read waits for that.
	OnTrial
	// Last: it failed or was too slow several times in a row, and is asked only
	// when no other region gives what is wanted.
	Last
)

// String returns in turn, on trial or last.
func (s State) String() string { return [...]string{"in turn", "on trial", "last"}[s] }

// MarshalText writes a state as String does.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var (
	// errOvertaken ends a request to a region that kept a read waiting while
	// another region had the answer, or had it a moment later.
	errOvertaken = errors.New("another region answered first")
	// errNeedless ends a request that was made in case another failed, and was
	// not needed. It says nothing about the region.
	errNeedless = errors.New("not needed any more")
	// errSlow says of a region that it answered, and too late.
	errSlow = errors.New("it took longer than most")
	// errQuiet ends the listing of a region that says nothing, while another
	// has listed everything.
	errQuiet = errors.New("another region answered, and this one said nothing for long after it")
)

// health is what the reads of this process have seen of one region's data, or
// of its keys. All of them share it.
type health struct {
	region  string
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	changed func(region string, s State)
	quiet   atomic.Bool // a listing was given up: that is enough
	use     counters
	speeds  [speedClasses]speed

	mu   sync.Mutex
	left chan struct{} // closed while the region is not in turn
}

// counters are parts of a Use.
type counters struct{ bytes, reads, hedges, overtaken, failovers atomic.Int64 }

func newHealth(region string, changed func(string, State)) *health {
	h := &health{region: region, changed: changed, left: make(chan struct{})}
	h.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: region, Timeout: regionRest,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= regionFailures || h.quiet.Swap(false) },
		IsExcluded:    func(err error) bool { return errors.Is(err, errNeedless) },
		OnStateChange: func(_ string, _, to gobreaker.State) { h.change(stateOf(to)) },
	})
	return h
}

func stateOf(s gobreaker.State) State {
	switch s {
	case gobreaker.StateOpen:
		return Last
	case gobreaker.StateHalfOpen:
		return OnTrial
	default:
		return InTurn
	}
}

func (h *health) state() State { return stateOf(h.breaker.State()) }

// change tells those who wait for the region, and whoever wants to know.
func (h *health) change(to State) {
	h.mu.Lock()
	switch to {
	case Last:
		select {
		case <-h.left: // it was on trial
		default:
			close(h.left)
		}
	case InTurn:
		h.quiet.Store(false)
		h.left = make(chan struct{})
	}
	h.mu.Unlock()
	if h.changed != nil {
		h.changed(h.region, to)
	}
}

// leaves returns a channel that is closed when the region is not in turn any
// more.
func (h *health) leaves() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.left
}

// begin notes a request, and returns what to tell when it has ended. What a
// region does that is not in turn says nothing new: its trial decides.
func (h *health) begin(ctx context.Context) (end func(error)) {
	done, err := h.breaker.Allow()
	if err != nil {
		return func(error) {}
	}
	return func(err error) { done(h.verdict(ctx, err)) }
}

// Silent tells that a region, data and keys, said nothing to somebody else for
// longer than Options.Patience: it is asked last until it answers.
func (a *Archive) Silent(region string) {
	if r, err := a.region(region); err == nil {
		r.health.silent()
		r.keys.silent()
	}
}

// silent notes that a listing was given up, which is enough to ask the region
// last.
func (h *health) silent() {
	if done, err := h.breaker.Allow(); err == nil {
		h.quiet.Store(true)
		done(errQuiet)
	}
}

// verdict is what the end of a request says about its region: nil that it
// works, whatever it holds.
func (h *health) verdict(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case err == nil, errors.Is(err, io.EOF), kindOf(err) != KindUnreachable:
		return nil
	case errors.Is(cause, errQuiet), errors.Is(cause, errOvertaken):
		return err
	case cause != nil:
		return errNeedless // the caller has ended
	}
	return err
}

// try lets one request decide whether the region has its turn again, unless one
// is doing that. Nobody waits for it.
func (h *health) try(ctx context.Context, running *sync.WaitGroup, ask func(context.Context) error) {
	done, err := h.breaker.Allow()
	if err != nil {
		return
	}
	trial := func() {
		own, cancel := context.WithTimeout(ctx, trialLimit)
		defer cancel()
		err := ask(own)
		if ctx.Err() != nil {
			done(errNeedless)
			return
		}
		done(h.verdict(ctx, err))
	}
	if running != nil {
		running.Go(trial)
		return
	}
	go trial()
}

// Classes of reads by how much they ask for: a HEAD and a segment do not take
// the same time.
const speedClasses = 4

func speedClass(bytes int64) int {
	switch {
	case bytes <= 64<<10:
		return 0
	case bytes <= 1<<20:
		return 1
	case bytes <= window:
		return 2
	default:
		return 3
	}
}

// speed is how long the last reads of one class took.
type speed struct {
	mu     sync.Mutex
	recent [64]time.Duration
	n      int
}

func (s *speed) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent[s.n%len(s.recent)] = d
	s.n++
}

// most is what 19 of 20 reads did not exceed; false while too few are known.
func (s *speed) most() (time.Duration, bool) {
	s.mu.Lock()
	known := slices.Clone(s.recent[:min(s.n, len(s.recent))])
	s.mu.Unlock()
	if len(known) < speedKnown {
		return 0, false
	}
	slices.Sort(known)
	return known[len(known)*19/20], true
}

// patience is how long a read of so many bytes waits for the region before
// another is asked as well.
func (h *health) patience(bytes int64) time.Duration {
	if most, ok := h.speeds[speedClass(bytes)].most(); ok {
		return min(max(most, hedgeEarliest), hedgeLatest)
	}
	if bytes > 1<<20 {
		return hedgeLatest
	}
	return hedgeUnknown
}

// ended notes that a read has brought so many bytes. One that took longer than
// it would have been waited for, had there been another region to ask, is as good
// as one that was overtaken.
func (h *health) ended(end func(error), bytes int64, begun time.Time) {
	took := time.Since(begun)
	s := &h.speeds[speedClass(bytes)]
	if _, known := s.most(); known && took > h.patience(bytes) {
		end(errSlow)
	} else {
		end(nil)
	}
	s.add(took)
}

// Use is what a region has done for the reads of an archive since it was
// opened.
type Use struct {
	Region string `json:"region"`
	// State is that of the region's data, Keys that of its key pages and KMS.
	State State `json:"state"`
	Keys  State `json:"keys"`
	// Bytes are those of objects that the region gave and that were used, Reads
	// the requests for them.
	Bytes int64 `json:"bytes"`
	Reads int64 `json:"reads"`
	// Hedges are requests made because another region was slow; Overtaken those
	// to this region that lost against such a one; Failovers the reads that
	// another region was asked for because this one failed.
	Hedges    int64 `json:"hedges"`
	Overtaken int64 `json:"overtaken"`
	Failovers int64 `json:"failovers"`
}

// Use returns what each region has done so far, the nearest first.
func (a *Archive) Use() []Use {
	out := make([]Use, len(a.regions))
	for i, r := range a.regions {
		u, k := &r.health.use, &r.keys.use
		out[i] = Use{
			Region: r.Name, State: r.health.state(), Keys: r.keys.state(), Bytes: u.bytes.Load(), Reads: u.reads.Load(), Hedges: u.hedges.Load() + k.hedges.Load(),
			Overtaken: u.overtaken.Load() + k.overtaken.Load(), Failovers: u.failovers.Load() + k.failovers.Load(),
		}
	}
	return out
}
