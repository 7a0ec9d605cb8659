package heal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// job is one run of healing. It is used by one goroutine.
type job struct {
	*Healer
	hook   func(Event)
	report Report
	// pages are the key pages that were asked for, with what came of it.
	pages map[pageKey]error
}

type pageKey struct {
	region string
	page   names.PageID
}

func newJob(h *Healer, hook func(Event)) *job {
	if hook == nil {
		hook = func(Event) {}
	}
	return &job{Healer: h, hook: hook, report: Report{Findings: []cover.Finding{}}, pages: map[pageKey]error{}}
}

func (j *job) all(ctx context.Context, topics []string) error {
	if len(topics) == 0 {
		topics = []string{""}
	}
	var parts []names.Partition
	for _, topic := range topics {
		listed, err := j.archive.List(ctx, topic)
		if err != nil {
			return err
		}
		parts = append(parts, listed.Partitions...)
	}
	if err := j.files(ctx, parts); err != nil {
		return err
	}
	for _, p := range parts {
		if err := j.partition(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// inOrder returns segments and gaps, the lowest base first.
func inOrder(m *cover.Map) []cover.Candidate {
	all := append(slices.Clone(m.Segments), m.Gaps...)
	slices.SortStableFunc(all, func(a, b cover.Candidate) int {
		return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Next, b.Next))
	})
	return all
}

// partition heals one partition. Its error is that of the listing or of the
// context.
func (j *job) partition(ctx context.Context, p names.Partition) error {
	j.hook(Event{Partition: p})
	m, err := j.archive.Map(ctx, p)
	if err != nil {
		return err
	}
	j.report.Partitions++
	j.silent(m.Down, p.String())
	j.report.Findings = append(j.report.Findings, m.Strays...)
	lapsed, err := j.archive.Lapsed(ctx, m)
	if err != nil {
		return err
	}
	for _, c := range inOrder(m) {
		for _, region := range j.archive.Regions() {
			_, here := c.Place(region)
			if _, gone := lapsed[c.Range]; m.Down[region] != nil || gone && !here {
				continue
			}
			if err := j.settle(ctx, c, region); err != nil {
				j.find(c, region, err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle makes one region hold a candidate.
func (j *job) settle(ctx context.Context, c cover.Candidate, region string) error {
	if _, here := c.Place(region); here {
		return j.verified(ctx, c, region)
	}
	return j.fill(ctx, c, region)
}

// verified verifies a copy, after fetching its key page if that is all that
// is missing.
func (j *job) verified(ctx context.Context, c cover.Candidate, region string) error {
	_, err := j.archive.Verify(ctx, region, c.Range)
	page := (*cover.PageError)(nil)
	if err == nil || !errors.As(err, &page) || kind(err) != cover.KindNoPage {
		return err
	}
	if err := j.page(ctx, region, page.Page); err != nil {
		return err
	}
	_, err = j.archive.Verify(ctx, region, c.Range)
	return err
}

// page copies a key page to a region, from the first other that can give it.
// One that failed is not asked for again.
func (j *job) page(ctx context.Context, to string, id names.PageID) error {
	key := pageKey{to, id}
	if err, asked := j.pages[key]; asked {
		return err
	}
	err := j.copyPage(ctx, to, id)
	if err == nil {
		j.report.Pages++
	}
	if ctx.Err() == nil {
		j.pages[key] = err
	}
	return err
}

func (j *job) copyPage(ctx context.Context, to string, id names.PageID) error {
	errs := []error{fmt.Errorf("copy key page %s to region %s", id, to)}
	for _, from := range j.archive.Regions() {
		if from == to {
			continue
		}
		err := j.targets.Keys.HealPage(ctx, from, to, id)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("from region %s: %w", from, err))
	}
	return &cover.PageError{Region: to, Page: id, Err: errors.Join(errs...)}
}

// fill copies a candidate to a region that lacks it: the page first, then the
// object. It takes the first copy that is sound.
func (j *job) fill(ctx context.Context, c cover.Candidate, to string) error {
	store := j.targets.Stores[to]
	if store == nil {
		return fmt.Errorf("region %s is not written to", to)
	}
	var errs []error
	for _, p := range c.Places {
		o, data, err := j.sound(ctx, c, p.Region)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := j.pageFor(ctx, to, o.Segment); err != nil {
			return err
		}
		if data == nil {
			return j.large(ctx, store, to, o)
		}
		return j.store(ctx, store, to, o, data)
	}
	return errors.Join(errs...)
}

// sound returns an object that verified in a region, block by block. The bytes
// are nil where they are too many for memory.
func (j *job) sound(ctx context.Context, c cover.Candidate, region string) (*cover.Object, []byte, error) {
	if err := j.verified(ctx, c, region); err != nil {
		return nil, nil, err
	}
	o, data, err := j.archive.Load(ctx, region, c.Range, j.memory)
	if err != nil {
		return nil, nil, err
	}
	if data == nil {
		return o, nil, nil // its bytes are compared on their way
	}
	return o, data, o.CheckBlocks()
}

// pageFor makes sure that a region has the key page of a segment before it
// gets the segment.
func (j *job) pageFor(ctx context.Context, region string, s *segment.Reader) error {
	if s == nil {
		return nil
	}
	err := j.archive.CheckPage(ctx, region, s)
	if err == nil || kind(err) != cover.KindNoPage {
		return err
	}
	return j.page(ctx, region, s.Header().Page)
}

func (j *job) store(ctx context.Context, store Store, to string, o *cover.Object, data []byte) error {
	name := o.Name.String()
	if err := store.Ensure(ctx, name, data, j.retain(o)); err != nil {
		return &cover.CopyError{Region: to, Object: name, Err: err}
	}
	j.copied(o.Name.Partition, to, name, len(data))
	return nil
}

func (j *job) copied(p names.Partition, to, name string, size int) {
	j.report.Objects++
	j.report.Bytes += int64(size)
	j.hook(Event{Partition: p, Copied: name, Region: to, Bytes: size})
}
