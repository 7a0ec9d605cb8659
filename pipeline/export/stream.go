package export

import (
	"context"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// stream writes all records to a writer, one partition after the other.
func stream(ctx context.Context, plan *restore.Plan, src restore.Source, o Options) (Result, error) {
	x := &execution{source: src, options: o}
	out := &output{ctx: ctx, w: o.Writer, limiter: newLimiter(o.MaxRate)}
	for _, t := range plan.Topics {
		for _, p := range t.Partitions {
			x.progress.MaxRecords += p.MaxRecords
			x.progress.Partitions++
		}
	}
	r := Result{Manifest: newManifest(plan, o.Format)}
	d := recordbatch.NewDecoder(0)
	for _, t := range plan.Topics {
		for _, p := range t.Partitions {
			part := newPartition(t, p)
			err := x.stream(ctx, plan, &part, out, d)
			r.add(part)
			if err != nil {
				return r, fmt.Errorf("export topic %s partition %d: %w", t.From, p.Number, err)
			}
		}
	}
	return r, nil
}

// stream writes one partition.
func (x *execution) stream(ctx context.Context, plan *restore.Plan, part *Partition, out *output, d *recordbatch.Decoder) error {
	begin := out.size
	e, err := newEncoder(x.options.Format, part.Into, part.Number, out, begin == 0, d)
	if err != nil {
		return err
	}
	for b, err := range plan.Archived(ctx, x.source, part.From, part.Number, 0) {
		if err != nil {
			return err
		}
		before := out.size
		if err := e.batch(b); err != nil {
			return err
		}
		part.count(b)
		x.wrote(int64(b.Count), out.size-before)
	}
	before := out.size
	if err := e.close(); err != nil {
		return err
	}
	part.Bytes = out.size - begin
	x.report(func(p *restore.Progress) {
		p.Bytes += out.size - before
		p.Done++
	})
	return nil
}
