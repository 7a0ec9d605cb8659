package archive

import (
	"context"
)

// store makes one sealed object durable. This is the durability order of
// pipeline/DESIGN.md, and the only place where it is decided:
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
	p.settle(s, stored)
	if s.segment != nil {
		p.record(s, p.regionNames(stored))
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
		if err := p.storeNext(s); err != nil {
			return err // what else is sealed is given back by forget
		}
	}
	return nil
}

func (p *partition) storeNext(s sealed) error {
	defer p.budget.unseal(s.memory)
	if s.caughtUp {
		p.settleIdle()
		return nil
	}
	return p.store(p.ctx, s)
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

// settleIdle waits until every region is complete, and then says that a run
// until caught up has nothing more to do here. A release does not wait: what is
// left to heal then is an error of the run.
func (p *partition) settleIdle() {
	for !p.tails.level() {
		if !pause(p.ours, retryFirst) {
			return
		}
	}
	p.idle.Store(true)
}
