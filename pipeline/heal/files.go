package heal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// files copies archive.json, signers, topic settings, catalogue pages and the
// documents outside the topics.
func (j *job) files(ctx context.Context, parts []names.Partition) error {
	files, down, err := j.archive.Files(ctx, parts)
	if err != nil {
		return err
	}
	j.silent(down, "")
	for _, f := range files {
		for _, region := range j.archive.Regions() {
			if down[region] != nil {
				continue
			}
			if err := j.file(ctx, f, region); err != nil {
				j.report.Findings = append(j.report.Findings, findingOf(region, f.Name, err))
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// file checks a region's copy of a file, or makes it.
func (j *job) file(ctx context.Context, f cover.File, region string) error {
	var errs []error
	if slices.ContainsFunc(f.Places, func(p cover.Place) bool { return p.Region == region }) {
		_, err := j.archive.ReadFile(ctx, region, f.Name)
		return err
	}
	store := j.targets.Stores[region]
	if store == nil {
		return fmt.Errorf("region %s is not written to", region)
	}
	for _, p := range f.Places {
		file, err := j.archive.ReadFile(ctx, p.Region, f.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		until, err := j.lockOf(ctx, p.Region, f.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := store.Ensure(ctx, f.Name, file, until); err != nil {
			return &cover.CopyError{Region: region, Object: f.Name, Err: err}
		}
		j.copied(names.Partition{}, region, f.Name, len(file))
		return nil
	}
	return errors.Join(errs...)
}

// lockOf is the date up to which a copy of a document is locked: that of the
// copy it is made from. Other files bear no lock.
func (j *job) lockOf(ctx context.Context, region, name string) (time.Time, error) {
	if !names.IsDocument(name) {
		return time.Time{}, nil
	}
	objects, err := j.archive.Objects(region)
	if err != nil {
		return time.Time{}, err
	}
	info, err := objects.Stat(ctx, name)
	if err != nil {
		return time.Time{}, &cover.CopyError{Region: region, Object: name, Err: err}
	}
	if info.RetainUntil.Before(j.now()) {
		return time.Time{}, nil
	}
	return info.RetainUntil, nil
}
