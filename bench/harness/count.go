package harness

import (
	"context"
	"fmt"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/names"
)

// countLanded counts at the stores what the archiver made of a topic, and says
// what is wrong with it.
func (r *Runner) countLanded(ctx context.Context, j *job, t *topic, a *archive) error {
	opened, err := a.servers.Open(ctx, a.file)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	defer opened.Close()
	if r.opts.Landed != nil {
		if err := r.opts.Landed(ctx, opened); err != nil {
			return err
		}
	}
	fewest := int64(-1)
	for _, region := range opened.Regions {
		listed, err := list(ctx, region, "")
		if err != nil {
			return fmt.Errorf("count region %s: %w", region.Name, err)
		}
		j.point.Regions = append(j.point.Regions, listed)
		if fewest < 0 || listed.Events < fewest {
			fewest = listed.Events
		}
	}
	j.checkPuts()
	j.came(t, fewest)
	return nil
}

// list counts what a region's store lists below a prefix, all pages.
func list(ctx context.Context, region Region, prefix string) (report.Region, error) {
	out := report.Region{Name: region.Name}
	for info, err := range region.Data.List(ctx, prefix, "") {
		if err != nil {
			return out, err
		}
		out.Objects++
		out.Bytes += info.Size
		if r, err := names.ParseRange(info.Key); err == nil && r.Kind == names.KindSegment {
			out.Segments++
			out.Events += r.Next - r.Base
		}
	}
	return out, nil
}
