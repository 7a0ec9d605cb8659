package archive

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// attempt is news of one region about the object that is being stored: it
// holds the object, or it refused once more, or the attempt is over for good.
type attempt struct {
	region int
	err    error
	over   bool
}

// storeInRegions writes to all regions that are not behind, side by side, and
// tells which hold the object now. A region that has not answered in time,
// while another has, is not waited for. Where all are behind, each is asked,
// and one must hold the object: it is nowhere else.
func (p *partition) storeInRegions(ctx context.Context, s sealed) ([]int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	news := make(chan attempt)
	targets := p.tails.targets()
	for _, i := range targets {
		go func() {
			err := contained(func() error { return p.storeIn(ctx, i, s, news) })
			publish(ctx, news, attempt{i, err, true})
		}()
	}
	stored, stalled, err := p.follow(ctx, len(targets), news)
	if stalled && err == nil {
		p.stalled(nil)
	}
	return stored, err
}

// follow waits for the regions' news, and alone reports them.
func (p *partition) follow(ctx context.Context, targets int, news <-chan attempt) (stored []int, stalled bool, err error) {
	var patience <-chan time.Time
	for len(stored) < targets {
		select {
		case n := <-news:
			switch {
			case n.err != nil && n.over:
				return nil, stalled, n.err
			case n.err != nil:
				stalled = true
				p.stalled(fmt.Errorf("region %s: %w", p.regions[n.region].Name(), n.err))
			default:
				stored = append(stored, n.region)
				patience = time.After(p.cfg.DegradeAfter)
			}
		case <-patience:
			return stored, stalled, nil
		case <-ctx.Done():
			return nil, stalled, ctx.Err()
		}
	}
	return stored, stalled, nil
}

// publish gives up when nobody listens any more.
func publish(ctx context.Context, news chan<- attempt, a attempt) {
	select {
	case news <- a:
	case <-ctx.Done():
	}
}

// storeIn writes key page and object to one region, for as long as it takes.
// Writing again is harmless: a name never holds two contents.
func (p *partition) storeIn(ctx context.Context, region int, s sealed, news chan<- attempt) error {
	r, started := p.regions[region], time.Now()
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		err := p.tryStoreIn(ctx, r, s)
		if err == nil {
			p.tell(func(h *Hooks) { h.stored(s.name, r.Name(), len(s.data), time.Since(started)) })
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.log.Warn("store", "region", r.Name(), "object", s.name.String(), "error", err)
		publish(ctx, news, attempt{region, err, false})
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

func (p *partition) tryStoreIn(ctx context.Context, r Region, s sealed) error {
	if s.segment != nil {
		if err := r.EnsurePage(ctx, s.segment.Header.Page); err != nil {
			return fmt.Errorf("store key page: %w", err)
		}
	}
	return r.Ensure(ctx, s.name.String(), s.data, s.sum, s.retain)
}

// settle moves the tails to what the regions hold now, and leaves those that
// lack the object to be healed.
func (p *partition) settle(s sealed, stored []int) {
	fell := p.tails.settle(s.name, s.digest, stored)
	for _, i := range fell {
		r := p.regions[i].Name()
		p.log.Error("region falls behind", "region", r, "tail", p.tails.at(i).Next)
		p.tell(func(h *Hooks) { h.behind(p.key, r, true) })
	}
	if len(fell) > 0 {
		p.healing.wake()
	}
	p.tellTail()
}

func (p *partition) tellTail() {
	p.tell(func(h *Hooks) { h.tail(p.key, p.tails.lower().Next) })
}

func (p *partition) regionNames(regions []int) []string {
	var list []string
	for _, i := range slices.Sorted(slices.Values(regions)) {
		list = append(list, p.regions[i].Name())
	}
	return list
}
