package harness

import (
	"context"
	"fmt"

	"github.com/tidemark-io/tidemark/bench/landed"
	"github.com/tidemark-io/tidemark/bench/report"
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
	counted, err := landed.Count(ctx, opened.Cover, opened.places(), t.ledger)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	j.point.Regions = counted.Regions
	j.point.Events = counted.Check.Expected - counted.Check.Lost - counted.Check.Changed
	j.share(t)
	j.point.Check = &counted.Check
	j.checkLoss()
	j.checkRegions(counted.Problems)
	return j.checkPuts(ctx, opened)
}

// checkRegions breaks the point for regions that differ, and says the first
// thing that was found wrong with them.
func (j *job) checkRegions(problems []string) {
	a, b := j.point.Regions[0], j.point.Regions[1]
	if a.Events != b.Events {
		j.verdict.breaks("region %s has %d events and region %s %d", a.Name, a.Events, b.Name, b.Events)
	}
	if len(problems) > 0 {
		j.verdict.breaks("%s", problems[0])
	}
}

// places are the regions as package landed sees them.
func (a *Archive) places() []landed.Region {
	var out []landed.Region
	for _, r := range a.Regions {
		out = append(out, landed.Region{Name: r.Name, Objects: r.Data})
	}
	return out
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
	}
	return out, nil
}
