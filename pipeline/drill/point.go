package drill

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// tails finds where the archive of each partition ends: of the newest branch of
// each life, by topic, life and number.
func (d *drill) tails(ctx context.Context) (map[tailKey]int64, error) {
	newest := map[tailKey]names.Partition{}
	for _, topic := range d.options.Topics {
		found, err := d.archive.Partitions(ctx, topic)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			k := tailKey{place{p.Topic, p.Number}, p.Lineage.Topic}
			if other, ok := newest[k]; !ok || other.Lineage.Branch < p.Lineage.Branch {
				newest[k] = p
			}
		}
	}
	ends := make(chan tailOf, len(newest))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(footersAtOnce)
	for k, p := range newest {
		g.Go(func() error {
			t, err := d.archive.Tails(ctx, p)
			ends <- tailOf{k, t.Next}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	close(ends)
	found := map[tailKey]int64{}
	for t := range ends {
		found[t.key] = t.next
	}
	return found, nil
}

type tailKey struct {
	place
	life names.TopicID
}

type tailOf struct {
	key  tailKey
	next int64
}

// point measures the recovery point: first where the archive ends, then where
// the logs do. What the time between the two adds counts against us.
func (d *drill) point(ctx context.Context) error {
	d.options.Progress(Progress{Step: "asking where archive and logs end"})
	tails, err := d.tails(ctx)
	if err != nil {
		return fmt.Errorf("find where the archive ends: %w", err)
	}
	if d.options.Source == nil {
		return nil
	}
	d.result.Source.Asked = true
	d.cluster, err = askCluster(ctx, d.options.Source, d.options.Topics)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		d.result.Source.Error = err.Error()
		d.finds.note("the source cluster could not be asked, so that only digests were compared, and no recovery point was measured: %v", err)
		return nil
	}
	d.result.Source.Cluster = d.cluster.id
	return d.lags(ctx, tails, time.Now())
}

// lags compares the tails with the ends of the logs, partition by partition.
func (d *drill) lags(ctx context.Context, tails map[tailKey]int64, at time.Time) error {
	d.result.Point = Point{Measured: true, At: at.UTC()}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(footersAtOnce)
	for topic, t := range d.cluster.topics {
		for number, stable := range t.stable {
			p := place{topic, number}
			archived := max(tails[tailKey{p, t.id}], t.start[number])
			lag := &Lag{Archived: archived, End: stable, Offsets: max(0, stable-archived)}
			d.row(p).Lag = lag
			if lag.Offsets > 0 {
				g.Go(func() error { return d.age(ctx, p, lag, at) })
			}
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	d.sumUp()
	return nil
}

// age finds how old the first record is that is not archived. Where only
// markers and holes are left, nothing would be lost.
func (d *drill) age(ctx context.Context, p place, lag *Lag, at time.Time) error {
	r := newReader(d.options.Source, p, d.limit)
	for rec, err := range r.records(ctx, lag.Archived, lag.End) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			d.finds.note("the age of the first record of %s that is not archived could not be read: %v", p, err)
			d.unmeasured.Store(true)
			return nil
		}
		lag.MS = max(0, at.UnixMilli()-rec.ms)
		return nil
	}
	return nil
}

// sumUp makes the median and the worst of the partitions' lags.
func (d *drill) sumUp() {
	var lags []*Lag
	p := &d.result.Point
	for at, row := range d.rows {
		if row.Lag == nil {
			continue
		}
		lags = append(lags, row.Lag)
		if row.Lag.MS > p.MaxMS || row.Lag.MS == p.MaxMS && p.MaxMS > 0 && at.String() < p.Worst {
			p.MaxMS, p.Worst = row.Lag.MS, at.String()
		}
		p.MaxOffsets = max(p.MaxOffsets, row.Lag.Offsets)
	}
	p.Partitions = len(lags)
	if len(lags) == 0 || d.unmeasured.Load() {
		p.Measured = false
		return
	}
	middle := (len(lags) - 1) / 2
	slices.SortFunc(lags, func(a, b *Lag) int { return cmp.Compare(a.MS, b.MS) })
	p.P50MS = lags[middle].MS
	slices.SortFunc(lags, func(a, b *Lag) int { return cmp.Compare(a.Offsets, b.Offsets) })
	p.P50Offsets = lags[middle].Offsets
}

// row is that of a partition, made where there is none. It is for the goroutine
// of Run alone.
func (d *drill) row(p place) *Row {
	r := d.rows[p]
	if r == nil {
		r = &Row{Topic: p.topic, Partition: p.partition}
		d.rows[p] = r
	}
	return r
}

// widen has a row tell of more offsets.
func (r *Row) widen(o cover.Offsets) {
	if r.Offsets == nil {
		r.Offsets = &o
		return
	}
	r.Offsets = &cover.Offsets{Base: min(r.Offsets.Base, o.Base), Next: max(r.Offsets.Next, o.Next)}
}
