package cover

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// everywhere asks every region the same, side by side. ask runs in a goroutine
// of its own and changes nothing that others see; what it returns does that, and
// is called for one region after the other, in their order, also for a region
// that failed after a part. It fails if the regions are not this archive's, or
// if none of them answers.
//
// With Options.Patience a region that says nothing for so long while another has
// told everything is down: what it would have said is not waited for.
func (a *Archive) everywhere(ctx context.Context, ask func(context.Context, *Region) (join func(), err error)) (down map[string]error, err error) {
	outer := ctx
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(errNeedless)
	c := &census{archive: a, answers: make(chan told, len(a.regions)), told: make([]told, len(a.regions))}
	for i := range a.regions {
		if a.options.Hedge && a.regions[i].health.state() == OnTrial {
			a.try(outer, &a.regions[i], nil)
		}
		c.start(ctx, i, ask)
	}
	c.wait(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.sum()
}

// census is one round of questions to all regions.
type census struct {
	archive *Archive
	asked   []*pace
	answers chan told
	told    []told
	open    int // regions that are waited for
}

// told is what came of one region.
type told struct {
	region int
	doubt  error // about whose archive it is
	err    error
	join   func()
}

// pace is how one region goes on.
type pace struct {
	said   atomic.Int64 // Unix nanoseconds
	cancel context.CancelCauseFunc
}

func (c *census) start(ctx context.Context, i int, ask func(context.Context, *Region) (func(), error)) {
	own, cancel := context.WithCancelCause(ctx)
	p := &pace{cancel: cancel}
	p.said.Store(time.Now().UnixNano())
	c.asked = append(c.asked, p)
	c.open++
	r := c.archive.regions[i]
	r.Objects = paced{r.Objects, &p.said}
	go func() {
		t := told{region: i, doubt: c.archive.checkRegion(own, &r)}
		t.join, t.err = ask(own, &r)
		c.answers <- t
	}()
}

// wait collects answers until all are there, the context ends, or patience does.
func (c *census) wait(ctx context.Context) {
	var look <-chan time.Time // nil until somebody has told everything
	for c.open > 0 {
		select {
		case t := <-c.answers:
			if c.asked[t.region] == nil {
				continue // it was given up
			}
			c.told[t.region] = t
			c.asked[t.region].cancel(nil)
			c.asked[t.region] = nil
			c.open--
			if look == nil && t.err == nil && t.doubt == nil && c.archive.options.Patience > 0 {
				ticker := time.NewTicker(hastyPatience / 2)
				defer ticker.Stop()
				look = ticker.C
			}
		case <-look:
			c.hurry()
		case <-ctx.Done():
			return
		}
	}
}

// hurry gives up those who have said nothing for too long.
func (c *census) hurry() {
	for i, p := range c.asked {
		if p == nil {
			continue
		}
		h, patience := c.archive.regions[i].health, c.archive.options.Patience
		if h.state() != InTurn {
			patience = min(patience, hastyPatience)
		}
		if quiet := time.Since(time.Unix(0, p.said.Load())); quiet >= patience {
			h.silent()
			p.cancel(errQuiet)
			c.asked[i] = nil
			c.open--
			err := fmt.Errorf("nothing came for %s: %w", quiet.Round(time.Millisecond), errQuiet)
			c.told[i] = told{region: i, doubt: err, err: err}
		}
	}
}

// sum joins what the regions told.
func (c *census) sum() (map[string]error, error) {
	doubts := make([]error, len(c.told))
	for i, t := range c.told {
		doubts[i] = t.doubt
	}
	down := map[string]error{}
	if err := c.archive.judge(doubts, down); err != nil {
		return nil, err
	}
	var all []error
	for i, t := range c.told {
		name := c.archive.regions[i].Name
		if down[name] == nil && t.join != nil {
			t.join()
		}
		if down[name] == nil && t.err != nil {
			down[name] = t.err
		}
		if down[name] != nil {
			all = append(all, fmt.Errorf("region %s: %w", name, down[name]))
		}
	}
	if len(all) == len(c.told) {
		return nil, errors.Join(all...)
	}
	return down, nil
}
