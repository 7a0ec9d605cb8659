package verify

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Options say what to verify.
type Options struct {
	// Deep opens every block of every copy.
	Deep bool
	// Topics are those to verify; none means all.
	Topics []string
	// Hook is told of progress, one call at a time. It may be nil.
	Hook func(Event)
}

// Run verifies an archive. Its error means that it could not look: no region
// answers, the archive is not the pinned one, or the context ended. What it
// found is in the report.
func Run(ctx context.Context, a *cover.Archive, o Options) (*Report, error) {
	if o.Hook == nil {
		o.Hook = func(Event) {}
	}
	v := &verifier{archive: a, options: o, slots: make(chan struct{}, parallel), memory: semaphore.NewWeighted(deepMemory), report: &Report{
		Deep: o.Deep, Regions: a.Regions(), Partitions: []PartitionReport{}, Findings: []cover.Finding{}, Notes: []cover.Finding{},
	}}
	if err := v.run(ctx); err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	v.report.RegionsEqual = v.copiesBad == 0
	return v.report, nil
}

type verifier struct {
	archive *cover.Archive
	options Options
	report  *Report
	// copiesBad are copies that are absent or did not verify.
	copiesBad int
	unknown   map[string]bool // names reported already, by region and name

	slots  chan struct{} // one for each object that is looked at
	memory *semaphore.Weighted
	tools  sync.Pool
	hook   sync.Mutex

	// lapsed are those of the partition at hand, with the roll-up of each.
	lapsed map[names.Range]names.Range
}

func (v *verifier) run(ctx context.Context) error {
	parts, err := v.list(ctx)
	if err != nil {
		return err
	}
	if err := v.files(ctx, parts); err != nil {
		return err
	}
	return v.partitions(ctx, parts)
}

// partitions looks at a few partitions at once, and judges them in their order.
func (v *verifier) partitions(ctx context.Context, parts []names.Partition) error {
	ctx, cancel := context.WithCancel(ctx)
	views := make([]chan view, len(parts))
	var looking sync.WaitGroup
	defer looking.Wait()
	defer cancel()
	begin := func(i int) {
		if i < len(parts) {
			views[i] = make(chan view, 1)
			looking.Go(func() { views[i] <- v.view(ctx, parts[i]) })
		}
	}
	for i := range parallelPartitions {
		begin(i)
	}
	for i := range parts {
		seen := <-views[i]
		begin(i + parallelPartitions)
		if err := v.judgeAll(seen); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) list(ctx context.Context) ([]names.Partition, error) {
	topics := v.options.Topics
	if len(topics) == 0 {
		topics = []string{""}
	}
	v.unknown = map[string]bool{}
	var parts []names.Partition
	for _, topic := range topics {
		listed, err := v.archive.List(ctx, topic)
		if err != nil {
			return nil, err
		}
		parts = append(parts, listed.Partitions...)
		v.strange(listed.Unknown)
		v.silent(listed.Down, "")
	}
	return parts, nil
}

// strange adds names that tidemark did not give, each once.
func (v *verifier) strange(findings []cover.Finding) {
	for _, f := range findings {
		key := f.Region + "\x00" + f.Object
		if !v.unknown[key] {
			v.unknown[key] = true
			v.find(f)
		}
	}
}

func (v *verifier) silent(down map[string]error, partition string) {
	for _, f := range cover.Silent(down, partition) {
		v.copiesBad++
		v.find(f)
	}
}

func (v *verifier) find(f cover.Finding) { v.report.Findings = append(v.report.Findings, f) }

func (v *verifier) note(f cover.Finding) { v.report.Notes = append(v.report.Notes, f) }

// files looks at archive.json, signers, topic settings, catalogue pages and the
// documents outside the topics, in each region.
func (v *verifier) files(ctx context.Context, parts []names.Partition) error {
	files, down, err := v.archive.Files(ctx, parts)
	if err != nil {
		return err
	}
	for _, f := range files {
		here := map[string]bool{}
		for _, p := range f.Places {
			here[p.Region] = true
		}
		for _, region := range v.archive.Regions() {
			if down[region] != nil {
				continue
			}
			if err := v.file(ctx, region, f.Name, here[region]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) file(ctx context.Context, region, name string, here bool) error {
	if !here {
		v.copiesBad++
		v.find(absent(region, name))
		return nil
	}
	_, err := v.archive.ReadFile(ctx, region, name)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		v.copiesBad++
		kind := kindOf(err)
		v.find(cover.Finding{Kind: kind, Region: region, Object: name, Detail: err.Error(), Advice: kind.Advice()})
	}
	return nil
}

// absent is the finding of an object that another region holds.
func absent(region, name string) cover.Finding {
	return cover.Finding{
		Kind: cover.KindAbsent, Region: region, Object: name,
		Detail: "another region holds it, this one does not", Advice: cover.KindAbsent.Advice(),
	}
}

func kindOf(err error) cover.Kind { return (&cover.CopyError{Err: err}).Kind() }
