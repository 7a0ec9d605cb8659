package heal

import (
	"errors"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// kind sorts an error as package cover does.
func kind(err error) cover.Kind {
	return (&cover.CopyError{Err: err}).Kind()
}

// find adds what could not be healed.
func (j *job) find(c cover.Candidate, region string, err error) {
	f := findingOf(region, c.String(), err)
	o := c.Offsets()
	f.Partition, f.Offsets = c.Partition.String(), &o
	j.report.Findings = append(j.report.Findings, f)
}

// findingOf makes a finding of an error. A name that holds other bytes is
// damage, whatever else is known.
func findingOf(region, object string, err error) cover.Finding {
	k := kind(err)
	if taken(err) {
		k = cover.KindDamaged
	}
	copied := (*cover.CopyError)(nil)
	if errors.As(err, &copied) && copied.Region != region {
		// The only copy is bad, and so the region stays without one.
		region = copied.Region
	}
	return cover.Finding{Kind: k, Region: region, Object: object, Detail: err.Error(), Advice: k.Advice()}
}

// silent reports the regions that did not answer.
func (j *job) silent(down map[string]error, partition string) {
	j.report.Findings = append(j.report.Findings, cover.Silent(down, partition)...)
}
