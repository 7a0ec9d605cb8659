package drill

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// compare compares what came back with the source, and with the scratch topics.
func (d *drill) compare(ctx context.Context) error {
	d.steps = &steps{progress: d.options.Progress, now: Progress{Step: "comparing records"}}
	d.refresh(ctx)
	var all []*comparison
	for _, t := range d.plan.Topics {
		for _, p := range t.Partitions {
			if c := d.comparison(t, p); c != nil {
				all = append(all, c)
			}
		}
	}
	d.steps.now.Parts = len(all)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(d.options.Parallel)
	for _, c := range all {
		g.Go(func() error {
			err := c.run(ctx)
			d.count(c.row, c.counts)
			d.steps.add(0, 0, 1)
			return err
		})
	}
	return g.Wait()
}

// refresh asks the source once more: what was archived since it was asked for
// the recovery point is in the plan, too, and retention has gone on. Where it
// does not answer, the first answer stands.
func (d *drill) refresh(ctx context.Context) {
	if d.cluster == nil {
		return
	}
	if again, err := askCluster(ctx, d.options.Source, d.options.Topics); err == nil {
		d.cluster = again
	}
}

// comparison is that of one partition. One goroutine owns it.
type comparison struct {
	drill  *drill
	at     place
	row    *Row
	counts Counts
	source *bySource // nil where there is nothing to compare with
	target *byTarget
	seen   int64 // records that progress was not told of
}

// comparison is nil for a partition that nothing can be compared with.
func (d *drill) comparison(t restore.TopicPlan, p restore.PartitionPlan) *comparison {
	at := place{t.From, p.Number}
	c := &comparison{drill: d, at: at, row: d.row(at)}
	if d.incomplete[at] || d.incomplete[place{}] {
		c.row.Why = "it did not come back"
		return nil
	}
	d.withSource(c, t, p)
	if d.options.Target != nil {
		r := newReader(d.options.Target.Client, place{t.Into, p.Number}, d.limit)
		c.target = &byTarget{reader: r, records: c.row.Records, counts: &c.counts, wrong: c.wrong()}
	}
	if c.source == nil && c.target == nil {
		return nil
	}
	return c
}

// withSource adds the source, as far as it has the same life of the topic.
func (d *drill) withSource(c *comparison, t restore.TopicPlan, p restore.PartitionPlan) {
	if d.cluster == nil {
		c.row.Why = "the source cluster was not asked"
		if d.result.Source.Error != "" {
			c.row.Why = "the source cluster did not answer"
		}
		return
	}
	if len(p.Stretches) == 0 {
		return
	}
	life := names.Partition{Topic: t.From, Number: p.Number, Lineage: p.Stretches[len(p.Stretches)-1].Lineage}
	topic, why := d.cluster.comparable(life)
	if why != "" {
		c.row.Why = why
		return
	}
	topic.compacts = topic.compacts || compacted(t)
	b := &bySource{
		reader: newReader(d.options.Source, c.at, d.limit), topic: topic, stable: topic.stable[p.Number], to: d.plan.To,
		counts: &c.counts, wrong: c.wrong(),
	}
	b.reader.start = topic.start[p.Number]
	for _, s := range p.Stretches {
		b.spans = append(b.spans, cover.Offsets{Base: s.Base, Next: s.Next})
	}
	c.source = b
}

// compacted reports whether the topic was compacted when it was archived: what
// the cleaner took then stays gone.
func compacted(t restore.TopicPlan) bool {
	return slices.ContainsFunc(t.Settings, func(s restore.Setting) bool {
		return s.Name == "cleanup.policy" && s.Value != "delete"
	})
}

func (c *comparison) wrong() *run {
	return &run{finds: c.drill.finds, at: c.at, folder: c.at.String()}
}

// run walks over the archived records once. The error is that of the context.
func (c *comparison) run(ctx context.Context) error {
	defer c.close()
	c.open(ctx)
	d := c.drill
	for rec, err := range d.plan.Records(ctx, d.source, c.at.topic, c.at.partition) {
		if err != nil {
			return d.lost(ctx, c.at, err)
		}
		c.take(ctx, &rec)
		if err := d.limit.spend(ctx, len(rec.Key)+len(rec.Value)); err != nil {
			return err
		}
	}
	c.end(ctx)
	return ctx.Err()
}

// tellEvery is how many records progress is told of at a time.
const tellEvery = 1000

func (c *comparison) take(ctx context.Context, rec *recordbatch.Record) {
	if c.source != nil {
		c.sourceFailed(ctx, c.source.take(rec))
	}
	if c.target != nil {
		c.targetFailed(ctx, c.target.take(rec))
	}
	if c.seen++; c.seen == tellEvery {
		c.drill.steps.add(c.seen, 0, 0)
		c.seen = 0
	}
}

func (c *comparison) open(ctx context.Context) {
	if c.source != nil {
		c.source.open(ctx)
		c.sourceFailed(ctx, c.source.source.advance())
	}
	if c.target != nil {
		c.target.open(ctx)
		c.targetFailed(ctx, c.target.target.advance())
	}
}

func (c *comparison) end(ctx context.Context) {
	if c.source != nil {
		c.sourceFailed(ctx, c.source.end())
	}
	if c.target != nil {
		c.targetFailed(ctx, c.target.end())
	}
	c.drill.steps.add(c.seen, 0, 0)
}

// sourceFailed gives up comparing with a source that does not answer any more.
// That says nothing against the archive; the row says how far it was compared.
func (c *comparison) sourceFailed(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	c.row.Why = "the source cluster stopped answering: " + err.Error()
	c.drill.finds.note("%s was not compared with the source to its end: %v", c.at, err)
	c.source.wrong.end()
	c.source.close()
	c.source = nil
}

// targetFailed: what cannot be read from the target did not come back.
func (c *comparison) targetFailed(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	c.drill.finds.add(c.at, cover.Finding{Kind: KindNotRestored, Partition: c.at.String(), Detail: fmt.Sprintf("the scratch topic cannot be read: %v", err)})
	c.target.wrong.end()
	c.target.close()
	c.target = nil
}

func (c *comparison) close() {
	if c.source != nil {
		c.source.close()
	}
	if c.target != nil {
		c.target.close()
	}
}
