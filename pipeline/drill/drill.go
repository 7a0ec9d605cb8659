package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// drill is one run. What is not said to be guarded belongs to the goroutine of
// Run.
type drill struct {
	archive *cover.Archive
	options Options
	limit   limiter
	finds   *finds
	result  *Result

	cluster *cluster       // nil where the source is not asked, or does not answer
	source  restore.Source // the sample
	plan    *restore.Plan  // of the sample
	clock   *clock
	steps   *steps
	rows    map[place]*Row
	// unmeasured is set where a part of the recovery point could not be read.
	unmeasured atomic.Bool

	mu         sync.Mutex // guards the counts of rows, and incomplete
	incomplete map[place]bool
}

// Run drills, and tells what it found. The archive is opened without the region
// that is not to be used.
//
// An error means that nothing was proven: the request is malformed or refused,
// the archive or the target did not answer, or the context ended. Nothing is
// left then, but for scratch topics that the error names. What is wrong with the
// archive is no error but in the result, and so is a target that did not take
// what was to come back.
func Run(ctx context.Context, a *cover.Archive, id names.ArchiveID, o Options) (*Result, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	now := time.Now()
	d := &drill{
		archive: a, options: o.withDefaults(now), limit: newLimiter(o.MaxRate), finds: newFinds(),
		rows: map[place]*Row{}, incomplete: map[place]bool{},
	}
	d.result = &Result{
		Version: resultVersion, Archive: id, Started: now.UTC().Truncate(time.Millisecond), To: d.options.To.UTC().Truncate(time.Millisecond), Scheduled: o.Scheduled,
		Program: o.Program, Regions: a.Regions(), Without: o.Without, Target: Where{Kind: "nowhere"},
		Sample: Sample{Share: o.Share, Seed: o.Seed, Rule: ruleOfSample},
	}
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	d.conclude()
	return d.result, nil
}

func (d *drill) run(ctx context.Context) error {
	if err := d.point(ctx); err != nil {
		return err
	}
	if d.options.Target != nil {
		d.result.Target.Kind = "kafka"
		if err := d.checkScratch(ctx); err != nil {
			return err
		}
	}
	sample, err := d.prepare(ctx)
	if err != nil {
		return err
	}
	if err := d.restoreAndCompare(ctx); err != nil {
		return err
	}
	return d.digests(ctx, sample)
}

// prepare makes the plan of the whole, chooses the sample, and plans that. The
// clock of the recovery time begins here.
func (d *drill) prepare(ctx context.Context) (chosen, error) {
	d.clock = startClock(d.options.Progress)
	d.options.Progress(Progress{Step: "planning"})
	src := &surveyed{Source: restore.FromArchive(d.archive, d.finds.report), seen: map[names.Partition]restore.Survey{}}
	whole, err := restore.NewPlan(ctx, src, d.options.request(nil), nil)
	if err != nil {
		return chosen{}, err
	}
	if err := whole.Refused(); err != nil {
		return chosen{}, err
	}
	d.holes(whole)
	sample, err := choose(d.options.Seed, d.options.Share, whole)
	if err != nil {
		return chosen{}, err
	}
	d.source = sampleOf(src, sample)
	if err := d.planSample(ctx); err != nil {
		return chosen{}, err
	}
	d.describe(whole, sample, src.bytes(sample.segments))
	return sample, nil
}

// planSample plans the sample, into scratch topics or for nowhere.
func (d *drill) planSample(ctx context.Context) (err error) {
	if d.options.Target == nil {
		d.plan, err = restore.NewPlan(ctx, d.source, d.options.request(nil), nil)
	} else {
		d.plan, err = restore.NewPlan(ctx, d.source, d.options.request(d.into), d.options.Target.Client)
	}
	if err != nil {
		return err
	}
	// A sample may hold nothing but markers, or nothing of before the moment.
	d.plan.Refusals = slices.DeleteFunc(d.plan.Refusals, func(r restore.Refusal) bool { return d.options.Target == nil && r.Cause == restore.CauseEmpty })
	parts := 0
	for _, t := range d.plan.Topics {
		parts += len(t.Partitions)
	}
	d.clock.plan(parts)
	return d.plan.Refused()
}

// holes makes findings of what the archive should hold and does not, in the
// sample or not.
func (d *drill) holes(whole *restore.Plan) {
	for _, t := range whole.Topics {
		for _, p := range t.Partitions {
			at := place{t.From, p.Number}
			for _, g := range p.Gaps {
				if !g.Unexplained {
					d.finds.note("%s lacks the offsets [%d, %d), which is known and signed for: %s", at, g.Base, g.Next, g.Reason)
					continue
				}
				d.finds.add(at, cover.Finding{
					Kind: cover.KindLost, Partition: at.String(), Offsets: &cover.Offsets{Base: g.Base, Next: g.Next},
					Detail: "the archive does not hold them, and no gap file says why: " + g.Reason,
				})
			}
		}
	}
	for _, text := range whole.Warnings {
		d.finds.note("%s", text)
	}
}

// describe notes what the sample is, and how long the whole would take.
func (d *drill) describe(whole *restore.Plan, sample chosen, stored map[string]int64) {
	s := &d.result.Sample
	s.Segments, s.Of, s.Digest = len(sample.segments), sample.of, sample.digest()
	for topic, bytes := range sample.all {
		s.OfBytes += bytes
		s.StoredBytes += stored[topic]
	}
	d.result.Rule = whole.Rule
	for _, r := range sample.segments {
		d.row(place{r.Partition.Topic, r.Partition.Number}).widen(cover.Offsets{Base: r.Base, Next: r.Next})
	}
	for _, topic := range d.options.Topics {
		d.result.Recovery.Estimates = append(d.result.Recovery.Estimates, Estimate{Topic: topic, StoredBytes: sample.all[topic]})
	}
}

// restoreAndCompare restores, and compares before the scratch topics go.
func (d *drill) restoreAndCompare(ctx context.Context) (err error) {
	if d.options.Target == nil {
		err = d.toNowhere(ctx)
	} else {
		defer func() { err = d.tidy(ctx, err) }()
		err = d.toKafka(ctx)
	}
	if err != nil {
		return err
	}
	d.clock.finish()
	return d.compare(ctx)
}

// tidy deletes the scratch topics, unless they are to be kept and all went well.
func (d *drill) tidy(ctx context.Context, err error) error {
	where := &d.result.Target
	where.Topics = d.scratch()
	if d.options.Target.Keep && err == nil {
		where.Kept = true
		return nil
	}
	where.Left = d.sweep(ctx)
	if len(where.Left) == 0 {
		return err
	}
	text := "scratch topics could not be deleted, delete them: " + strings.Join(where.Left, ", ")
	if err != nil {
		return fmt.Errorf("%w; %s", err, text)
	}
	d.finds.note("%s", text)
	return nil
}

// conclude sums up and decides.
func (d *drill) conclude() {
	r := d.result
	estimates := r.Recovery.Estimates
	r.Recovery = d.clock.recovery()
	r.Recovery.Estimates = extrapolate(estimates, r)
	for at, row := range d.rows {
		row.Counts.Findings = d.finds.rows[at]
		r.Totals.add(row.Counts)
		r.Partitions = append(r.Partitions, *row)
	}
	r.Totals.Findings = d.finds.count
	slices.SortFunc(r.Partitions, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	r.Findings, r.FindingCount, r.Notes = d.finds.list, d.finds.count, d.finds.notes
	if r.Findings == nil {
		r.Findings = []cover.Finding{}
	}
	r.Objectives = d.objectives()
	r.Outcome = r.outcome()
	r.Ended = time.Now().UTC().Truncate(time.Millisecond)
	r.cut(maxRows)
}

func (d *drill) objectives() []Objective {
	var all []Objective
	add := func(name string, limit time.Duration, got int64, measured bool) {
		if limit > 0 {
			all = append(all, Objective{Name: name, LimitMS: ms(limit), GotMS: got, Measured: measured, Met: measured && got <= ms(limit)})
		}
	}
	o, r := d.options.Objectives, d.result
	add("recovery_time", o.RecoveryTime, r.Recovery.FirstMS, r.Recovery.FirstMS >= 0)
	add("recovery_point", o.RecoveryPoint, r.Point.MaxMS, r.Point.Measured)
	return all
}

func (r *Result) outcome() Outcome {
	missed := slices.ContainsFunc(r.Objectives, func(o Objective) bool { return o.Measured && !o.Met })
	switch {
	case r.FindingCount > 0:
		return OutcomeFailed
	case missed:
		return OutcomeMissed
	}
	return OutcomePassed
}

// cut keeps so many rows: those with findings first, then those that the sample
// has anything of.
func (r *Result) cut(rows int) {
	if len(r.Partitions) <= rows {
		return
	}
	weight := func(p Row) int {
		switch {
		case p.Counts.Findings > 0:
			return 0
		case p.Offsets != nil:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(r.Partitions, func(a, b Row) int { return weight(a) - weight(b) })
	r.Unlisted += len(r.Partitions) - rows
	r.Partitions = r.Partitions[:rows]
}

// Err is nil for a drill that passed, and else says in one line why not.
func (r *Result) Err() error {
	switch r.Outcome {
	case OutcomePassed:
		return nil
	case OutcomeMissed:
		var missed []string
		for _, o := range r.Objectives {
			if o.Measured && !o.Met {
				missed = append(missed, fmt.Sprintf("%s is %s, and was to be at most %s", o.Name, span(o.GotMS), span(o.LimitMS)))
			}
		}
		return errors.New("drill: " + strings.Join(missed, "; "))
	}
	return fmt.Errorf("drill failed: findings: %d", r.FindingCount)
}
