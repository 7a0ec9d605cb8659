package load

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// linger lets what becomes due meanwhile travel in one request.
	linger = 10 * time.Millisecond
	// maxLoad and maxLoadBytes bound a request: brokers take 100 MiB, and one
	// of them at a time from a connection.
	maxLoad      = 64
	maxLoadBytes = 4 << 20
	// endless stands for the length of a run without an end, where it has to
	// be known beforehand.
	endless = 10 * time.Minute
)

// item is a batch to send now.
type item struct {
	partition int32
	template  *template
}

// schedule says which batch is due when. It does not know whether the ones
// before were acknowledged: that makes the loop an open one.
type schedule struct {
	bank  *bank
	every float64 // seconds from batch to batch; 0 for a backlog
	total int64   // batches; 0 for no end
	order []int32 // partitions, again and again

	// turn lets one worker at a time wait for what is due: waking up costs more
	// than a batch.
	turn chan struct{}

	mu       sync.Mutex
	lanes    []lane
	ready    []int32 // partitions with batches that are due, first come first
	start    time.Time
	last     time.Time // of the last load
	released int64     // batches that became due
	taken    int64     // of these, handed to a worker
	behind   time.Duration
}

// lane is one partition.
type lane struct {
	n       int64 // batches taken so far
	pending int64 // due and not taken
	strewn  []strewn
}

// strewn is a needle's batch and the number of the batch whose place it takes.
type strewn struct {
	at       int64
	template *template
}

func newSchedule(o Options, b *bank) *schedule {
	w := o.Workload
	s := &schedule{bank: b, turn: make(chan struct{}, 1), lanes: make([]lane, w.Partitions), order: rotation(w.Partitions, b.weights)}
	s.total = (w.Events + int64(w.BatchEvents) - 1) / int64(w.BatchEvents)
	if w.Rate > 0 {
		s.every = float64(w.BatchEvents) / w.Rate
	}
	planned := float64(s.total)
	if s.total == 0 {
		planned = endless.Seconds() / s.every
	}
	for p, templates := range b.strewn {
		share := 1 / float64(w.Partitions)
		if b.weights != nil {
			share = b.weights[p]
		}
		s.lanes[p].strew(templates, planned*share)
	}
	return s
}

// strew spreads templates evenly over so many batches.
func (l *lane) strew(templates []*template, batches float64) {
	next := int64(0)
	for i, t := range templates {
		next = max(next, int64((float64(i)+0.5)*batches/float64(len(templates))))
		l.strewn = append(l.strewn, strewn{next, t})
		next++
	}
}

// rotation lists the partitions as often as their weights say, each spread
// evenly over the list.
func rotation(partitions int, weights []float64) []int32 {
	if weights == nil {
		out := make([]int32, partitions)
		for p := range out {
			out[p] = int32(p)
		}
		return out
	}
	type turn struct {
		at float64
		p  int32
	}
	var turns []turn
	length := float64(max(1<<14, 16*partitions))
	for p, w := range weights {
		n := math.Max(math.Round(w*length), 1)
		for i := range int(n) {
			turns = append(turns, turn{(float64(i) + 0.5) / n, int32(p)})
		}
	}
	slices.SortFunc(turns, func(a, b turn) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.p, b.p)) })
	out := make([]int32, len(turns))
	for i, t := range turns {
		out[i] = t.p
	}
	return out
}

func (s *schedule) begin(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start = now
}

// end notes how far behind the run is when it is stopped.
func (s *schedule) end(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total == 0 || s.taken < s.total {
		s.lag(now)
	}
	return s.behind
}

// take waits for batches that are due and puts them into a load, at most one
// for each partition. The load is empty when there are no more, ctx is over or
// the time is up; more is false in the first two cases.
func (s *schedule) take(ctx context.Context, until time.Time, load []item) (_ []item, more bool) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
	case <-time.After(time.Until(until)):
		return load[:0], true
	}
	for ctx.Err() == nil {
		now := time.Now()
		load, pause := s.poll(now, load[:0])
		if pause == 0 {
			return load, len(load) > 0
		}
		if !now.Before(until) {
			return load, true
		}
		if wait(ctx, min(pause, until.Sub(now))) != nil {
			break
		}
	}
	return load[:0], false
}

// poll returns a load, empty at the end of the run, or how long to wait.
func (s *schedule) poll(now time.Time, load []item) ([]item, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(now)
	if s.total > 0 && s.taken == s.total {
		return load, 0
	}
	if since := now.Sub(s.last); s.every > 0 && since < linger && len(s.ready) < maxLoad && s.released != s.total {
		return load, linger - since
	}
	if len(s.ready) == 0 {
		return load, max(s.due(s.released).Sub(now), time.Millisecond)
	}
	s.last = now
	s.lag(now)
	return s.fill(load), 0
}

// due is when a batch is to be sent.
func (s *schedule) due(n int64) time.Time {
	return s.start.Add(time.Duration(float64(n) * s.every * float64(time.Second)))
}

// lag notes how late the next batch is.
func (s *schedule) lag(now time.Time) {
	if s.every > 0 {
		s.behind = max(s.behind, now.Sub(s.due(s.taken)))
	}
}

// release makes due what is due by now; in a backlog, enough for every
// partition and a load.
func (s *schedule) release(now time.Time) {
	until := s.taken + int64(len(s.lanes)) + maxLoad
	if s.every > 0 {
		until = int64(now.Sub(s.start).Seconds()/s.every) + 1
	}
	if s.total > 0 {
		until = min(until, s.total)
	}
	for ; s.released < until; s.released++ {
		p := s.order[s.released%int64(len(s.order))]
		if s.lanes[p].pending++; s.lanes[p].pending == 1 {
			s.ready = append(s.ready, p)
		}
	}
}

// fill takes the next batch of each partition that has one, first come first.
func (s *schedule) fill(load []item) []item {
	size, n := 0, 0
	var again []int32
	for n < len(s.ready) && n < maxLoad && size < maxLoadBytes {
		p := s.ready[n]
		n++
		it := item{p, s.lanes[p].next(s.bank, p)}
		load, size = append(load, it), size+len(it.template.batch)
		if s.lanes[p].pending > 0 {
			again = append(again, p)
		}
	}
	s.ready = append(s.ready[n:], again...)
	s.taken += int64(n)
	return load
}

func (l *lane) next(b *bank, p int32) *template {
	n := l.n
	l.n++
	l.pending--
	if len(l.strewn) > 0 && n >= l.strewn[0].at {
		t := l.strewn[0].template
		l.strewn = l.strewn[1:]
		return t
	}
	return b.template(p, n)
}
