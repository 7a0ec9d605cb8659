package rollup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Roller rolls up. It is used by one goroutine.
type Roller struct {
	parts   Parts
	options Options
	writer  [16]byte
	pool    *segment.Pool
	// checked are the roll-ups whose every block this roller has compared in
	// every region.
	checked map[names.Range]*cover.Object
}

// New makes a roller. It does nothing yet.
func New(p Parts, o Options) (*Roller, error) {
	switch {
	case o.Window <= 0:
		return nil, fmt.Errorf("roll up: window of %s: want it above 0", o.Window)
	case o.Retain <= 0:
		return nil, fmt.Errorf("roll up: retention of %s: want it above 0", o.Retain)
	case o.Size <= 0:
		return nil, fmt.Errorf("roll up: size of %d bytes: want it above 0", o.Size)
	case len(p.Regions) == 0:
		return nil, errors.New("roll up: no region")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Roller{parts: p, options: o, pool: segment.NewPool(), checked: map[names.Range]*cover.Object{}}
	_, _ = rand.Read(r.writer[:]) // never fails: crypto/rand ends the process instead
	return r, nil
}

// Report is what was done and what was not.
type Report struct {
	// Rolled are new roll-ups, Found those that an earlier run had stored.
	Rolled int `json:"roll_ups"`
	Found  int `json:"roll_ups_found"`
	// Segments were rolled up; Bytes and Records are of the roll-ups.
	Segments int   `json:"segments"`
	Bytes    int64 `json:"bytes"`
	Records  int64 `json:"records"`
	// Lapsed are small segments that are gone from every region now, Locked
	// those that a region still locks.
	Lapsed      int   `json:"lapsed"`
	LapsedBytes int64 `json:"lapsed_bytes"`
	Locked      int   `json:"locked"`
	// UnlockedAt is when the last of Locked may go; zero where only a store
	// knows.
	UnlockedAt time.Time `json:"unlocked_at,omitzero"`
	// Findings are what stays as it is, and why.
	Findings []cover.Finding `json:"findings"`
}

// Execute does what a plan says, one window after the other. What cannot be
// rolled up stays as it is and is a finding. The error is of the context, or of
// a region that could not be written to: run again, and it goes on from there.
func (r *Roller) Execute(ctx context.Context, p *Plan) (*Report, error) {
	report := &Report{Findings: append([]cover.Finding{}, p.Findings...)}
	for _, part := range p.parts {
		for _, w := range part.windows {
			if err := r.window(ctx, &run{r, p.request.Hook, report, part}, w); err != nil {
				return report, fmt.Errorf("roll up %s from %s: %w", part.name, w.From.Format(time.RFC3339), err)
			}
		}
		if !p.request.Lapse {
			continue
		}
		if err := r.lapse(ctx, &run{r, p.request.Hook, report, part}); err != nil {
			return report, fmt.Errorf("lapse what is rolled up of %s: %w", part.name, err)
		}
	}
	return report, nil
}

// run is what one partition's execution shares.
type run struct {
	*Roller
	hook   func(Event)
	report *Report
	part   *partition
}

func (r *run) tell(what string, done, all int) {
	r.hook(Event{Partition: r.part.name, What: what, Done: done, All: all})
}

func (r *run) find(f ...cover.Finding) { r.report.Findings = append(r.report.Findings, f...) }

func findingOf(c cover.Candidate, region string, err error) cover.Finding {
	e := (*cover.CopyError)(nil)
	if !errors.As(err, &e) {
		e = &cover.CopyError{Region: region, Object: c.String(), Err: err}
	}
	return cover.FindingOf(c, e)
}
