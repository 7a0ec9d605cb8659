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
	for i, r := range a.regions {
		if !p.tails.behind(i) {
			continue
		}
		to, err := a.healer.Heal(ctx, p.name, r.Name(), p.tails.at(i))
		if err != nil && ctx.Err() == nil {
			p.log.Warn("heal", "region", r.Name(), "tail", to.Next, "error", err)
		}
		if p.tails.healed(i, to) {
			p.log.Info("region has caught up", "region", r.Name(), "tail", to.Next)
			p.hooks.behind(p.key, r.Name(), false)
		}
		a.commits.note(p)
	}
}
