package restore

import (
	"context"
	"sync"
)

// office gathers the batches for one broker into requests. A request holds one
// batch of each partition at most, as brokers want it. While one is out, the
// next waits until it is worth a request; while none is, nothing waits.
type office struct {
	// ship sends a load and returns when it is answered. It calls taken, any
	// number of times, once the next load cannot overtake this one.
	ship  func(load []*shipment, taken func())
	limit int // bytes of a request

	mu      sync.Mutex
	waiting []*shipment   // in the order of their posting
	ready   map[place]int // how many wait, by partition
	busy    map[place]int // how many wait or are out, by partition
	out     int           // requests
	changed chan struct{} // of one place: something above has changed
}

func newOffice(ship func([]*shipment, func()), limit int) *office {
	return &office{ship: ship, limit: limit, ready: map[place]int{}, busy: map[place]int{}, changed: make(chan struct{}, 1)}
}

func (o *office) post(sh *shipment) {
	o.mu.Lock()
	o.waiting = append(o.waiting, sh)
	o.ready[sh.place]++
	o.busy[sh.place]++
	o.mu.Unlock()
	o.signal()
}

func (o *office) signal() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// run ships until the context ends, and returns when nothing is out.
func (o *office) run(ctx context.Context) {
	var out sync.WaitGroup
	defer out.Wait()
	for {
		load := o.next()
		if load == nil {
			select {
			case <-o.changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		taken, answered := make(chan struct{}), make(chan struct{})
		out.Go(func() {
			defer close(answered)
			o.ship(load, sync.OnceFunc(func() { close(taken) }))
			o.done(load)
		})
		select {
		case <-taken:
		case <-answered:
		}
	}
}

// next takes the load of a request off what waits, nil if it is not time yet.
func (o *office) next() []*shipment {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 || o.out >= requestsInFlight {
		return nil
	}
	if o.out > 0 && 2*len(o.ready) < len(o.busy) {
		return nil // many are on their way here, and the broker has work meanwhile
	}
	o.out++
	return o.gather()
}

// gather takes the first batch of each partition, up to the size of a request.
// A larger batch travels alone.
func (o *office) gather() []*shipment {
	var load, left []*shipment
	size, in := 0, make(map[place]bool, len(o.ready))
	for i, sh := range o.waiting {
		if len(load) == requestPartitions || size > 0 && size+len(sh.batch) > o.limit {
			left = append(left, o.waiting[i:]...)
			break
		}
		if in[sh.place] {
			left = append(left, sh)
			continue
		}
		load, size, in[sh.place] = append(load, sh), size+len(sh.batch), true
		drop(o.ready, sh.place)
	}
	o.waiting = left
	return load
}

func (o *office) done(load []*shipment) {
	o.mu.Lock()
	o.out--
	for _, sh := range load {
		drop(o.busy, sh.place)
	}
	o.mu.Unlock()
	o.signal()
}

// drop counts down, and forgets what is at 0.
func drop(count map[place]int, p place) {
	if count[p]--; count[p] == 0 {
		delete(count, p)
	}
}
