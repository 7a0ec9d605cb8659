package archive

import (
	"context"
	"time"
)

// healing copies what a region lacks, behind the archiver's back, until no
// region is behind. A partition that waits for nothing else goes on meanwhile.
type healing struct {
	kick chan struct{}
}

// healEvery paces attempts while a region is away.
const healEvery = 5 * time.Second

func (h *healing) wake() {
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// runHealing heals until ctx ends.
func (a *Archiver) runHealing(ctx context.Context) {
	tick := time.NewTicker(healEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-a.healing.kick:
		case <-ctx.Done():
			return
		}
		for _, p := range a.all() {
			a.heal(ctx, p)
		}
	}
}

func (a *Archiver) heal(ctx context.Context, p *partition) {
	if !p.tails.known() {
		return
	}
	for i := range a.regions {
		a.fill(ctx, p, i)
		for p.tails.behind(i) && p.ours.Err() == nil {
			if !a.healRegion(ctx, p, i) {
				break // with the next attempt
			}
		}
	}
}

// fill copies what a region lacks below its tail. No offset is missing there,
// but the regions are to be equal, name by name.
func (a *Archiver) fill(ctx context.Context, p *partition, i int) {
	from, lacks := p.tails.lacking(i)
	if !lacks {
		return
	}
	err := contained(func() error {
		_, err := a.healer.Heal(ctx, p.name, a.regions[i].Name(), Tail{Next: from})
		return err
	})
	if ctx.Err() != nil {
		return
	}
	givenUp := p.tails.filled(i, err)
	if err != nil {
		p.log.Warn("heal", "region", a.regions[i].Name(), "from", from, "error", err, "given_up", givenUp)
	}
}

// healRegion heals once, and reports whether that brought the region on. One
// that is written to all the time needs several turns until it is level.
func (a *Archiver) healRegion(ctx context.Context, p *partition, i int) bool {
	r, from := a.regions[i].Name(), p.tails.at(i)
	to := from
	err := contained(func() (err error) {
		to, err = a.healer.Heal(ctx, p.name, r, from)
		return err
	})
	if err != nil && ctx.Err() == nil {
		p.log.Warn("heal", "region", r, "tail", from.Next, "error", err)
	}
	if p.tails.healed(i, from, to) {
		p.log.Info("region has caught up", "region", r, "tail", to.Next)
		p.tell(func(h *Hooks) { h.behind(p.key, r, false) })
	}
	p.commits.note(p)
	p.tellTail()
	return err == nil && to.Next > from.Next
}

// levelRegions brings the regions of a partition level before we leave, for as
// long as ctx allows.
func (a *Archiver) levelRegions(ctx context.Context, p *partition) {
	for p.tails.known() && !p.tails.level() && ctx.Err() == nil {
		for i := range a.regions {
			a.fill(ctx, p, i)
			if p.tails.behind(i) {
				a.healRegion(ctx, p, i)
			}
		}
		if !p.tails.level() {
			pause(ctx, retryFirst)
		}
	}
}
