package archive

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// store makes one sealed object durable. This is the durability order of
// DESIGN.md, and the only place where it is decided:
//
//	key page ──▶ segment      in each region, both regions side by side
//	            ──▶ index     on this machine
//	            ──▶ commit    of the group offset, at the lower tail
//
// What exists after a crash at an arrow, and what a restart does:
//
//   - before any key page: nothing but unused secrets in memory. The offsets
//     are fetched again from the tail of the regions.
//   - page, no segment: slots that nobody will use. The same.
//   - page and segment in one region only: that region's tail is ahead. The
//     restart goes on at the higher tail, and what the other region lacks is
//     copied to it (heal); its tail, and with it the group offset, waits.
//   - both regions, no index: the index is rebuilt from the regions.
//   - index, no commit: the restart asks the regions, not the group.
//
// It returns nil once at least one region holds the object and the other holds
// it too or is marked to be healed; it returns an error only when ctx ends.
func (p *partition) store(ctx context.Context, s sealed) error {
	stored, err := p.storeInRegions(ctx, s)
	if err != nil {
		return err
	}
	if s.segment != nil {
		p.record(s, stored)
	}
	p.commits.note(p)
	if len(stored) == len(p.regions) {
		p.buffers.put(s.data) // else a write may still be reading it
	}
	return nil
}

// storeAll takes sealed objects in order until the sealer has ended. When the
// partition is dropped it forgets what it has.
func (p *partition) storeAll() error {
	for s := range p.sealed {
		var err error
		if s.caughtUp {
			p.settleIdle()
		} else {
			err = p.store(p.ctx, s)
		}
		p.budget.add(-s.memory)
		if err != nil {
			return err // what else is sealed is given back by forget
		}
	}
	return nil
}

// storeInRegions writes to all regions that are not behind, side by side, and
// tells which hold the object now. A region that does not answer in time,
// while another does, falls behind and is healed later.
func (p *partition) storeInRegions(ctx context.Context, s sealed) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		region int
		err    error
	}
	results := make(chan result, len(p.regions))
	waiting := 0
	for i := range p.regions {
		if p.tails.behind(i) {
			continue
		}
		waiting++
		go func() {
			results <- result{i, contained(func() error { return p.storeIn(ctx, p.regions[i], s) })}
		}()
	}
	var stored []string
	var patience <-chan time.Time
	for waiting > 0 {
		select {
		case r := <-results:
			waiting--
			if r.err != nil {
				return nil, r.err
			}
			stored = append(stored, p.regions[r.region].Name())
			p.tails.advance(r.region, s.name, s.digest)
			patience = time.After(p.cfg.DegradeAfter)
		case <-patience:
			p.fallBehind(stored)
			waiting = 0
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.hooks.tail(p.key, p.tails.lower().Next)
	return stored, nil
}

// storeIn writes key page and object to one region, for as long as it takes.
// Writing again is harmless: a name never holds two contents.
func (p *partition) storeIn(ctx context.Context, r Region, s sealed) error {
	started, wait := time.Now(), retryFirst
	stalled := false
	for {
		err := p.tryStoreIn(ctx, r, s)
		if err == nil {
			if stalled {
				p.hooks.stalled(p.key, nil)
			}
			p.hooks.stored(s.name, r.Name(), len(s.data), time.Since(started))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		stalled = true
		p.log.Warn("store", "region", r.Name(), "object", s.name.String(), "error", err)
		p.hooks.stalled(p.key, fmt.Errorf("region %s: %w", r.Name(), err))
		if !pause(ctx, wait) {
			return ctx.Err()
		}
		wait = min(2*wait, retryMost)
	}
}

func (p *partition) tryStoreIn(ctx context.Context, r Region, s sealed) error {
	if s.segment != nil {
		if err := r.EnsurePage(ctx, s.segment.Header.Page); err != nil {
			return fmt.Errorf("store key page: %w", err)
		}
	}
	return r.Ensure(ctx, s.name.String(), s.data, s.retain)
}

// fallBehind marks every region that has not answered.
func (p *partition) fallBehind(stored []string) {
	for i, r := range p.regions {
		if slices.Contains(stored, r.Name()) || p.tails.behind(i) {
			continue
		}
		p.tails.setBehind(i, true)
		p.log.Error("region falls behind", "region", r.Name(), "tail", p.tails.at(i).Next)
		p.hooks.behind(p.key, r.Name(), true)
	}
	p.healing.wake()
}

// record tells the index. It is rebuilt from the regions whenever it is wrong,
// so its troubles are no reason to wait.
func (p *partition) record(s sealed, regions []string) {
	if p.index == nil {
		return
	}
	if err := p.index.Stored(s.segment, regions); err != nil {
		p.log.Warn("index", "object", s.name.String(), "error", err)
	}
}

// settleIdle waits until every region is complete and committed, and then says
// that a run until caught up has nothing more to do here.
func (p *partition) settleIdle() {
	for !p.tails.level() {
		if !pause(p.ctx, retryFirst) {
			return
		}
	}
	p.idle.Store(true)
}
