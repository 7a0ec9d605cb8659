// Package reindex makes a local catalogue say what the regions hold.
//
// The catalogue may be behind after a crash and ahead after a restored disk, or
// empty after it was set aside. [Partition] compares it with the names that the
// regions list, reads the footers of what it does not know, and drops what is
// gone. It is the whole rebuild, too: an empty catalogue knows nothing.
package reindex

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Index is the catalogue.
type Index interface {
	// Known tells in which regions the catalogue believes the segments of a
	// partition to be.
	Known(ctx context.Context, p names.Partition) (map[names.Range][]string, error)
	// Put notes copies of one segment; each of them verified.
	Put(ctx context.Context, copies []*cover.Object) error
	// Delete forgets segments.
	Delete(ctx context.Context, gone ...names.Range) error
	// SetTail notes up to which offset a region holds everything.
	SetTail(ctx context.Context, p names.Partition, region string, next int64) error
}

// Report is what was put right.
type Report struct {
	Added, Deleted int
	// Rejected are copies that do not count; they are not in the catalogue.
	Rejected []cover.Finding
}

// Partition compares one partition. A region that does not answer leaves its
// entries as they are. The error is of the catalogue, of a listing that failed
// everywhere, or of the context.
func Partition(ctx context.Context, a *cover.Archive, x Index, p names.Partition) (Report, error) {
	var r Report
	known, err := x.Known(ctx, p) // before the listing, so that what is stored meanwhile is not taken for gone
	if err != nil {
		return r, fmt.Errorf("read index of %s: %w", p, err)
	}
	m, err := a.Map(ctx, p)
	if err != nil {
		return r, err
	}
	for _, c := range m.Segments {
		copies, err := r.verify(ctx, a, c, known[c.Range])
		if err != nil {
			return r, err
		}
		delete(known, c.Range)
		if len(copies) == 0 {
			continue
		}
		if err := x.Put(ctx, copies); err != nil {
			return r, fmt.Errorf("put into index: %w", err)
		}
		r.Added++
	}
	if len(m.Down) > 0 {
		return r, nil
	}
	for name := range known {
		if err := x.Delete(ctx, name); err != nil {
			return r, fmt.Errorf("delete from index: %w", err)
		}
		r.Deleted++
	}
	return r, tails(ctx, a, x, p)
}

// tails notes where each region ends.
func tails(ctx context.Context, a *cover.Archive, x Index, p names.Partition) error {
	t, err := a.Tails(ctx, p)
	if err != nil || !t.Found {
		return err
	}
	for _, region := range t.Regions {
		if err := x.SetTail(ctx, p, region.Name, region.Next); err != nil {
			return fmt.Errorf("note tail in index: %w", err)
		}
	}
	return nil
}

// verify looks at the copies that the catalogue does not know.
func (r *Report) verify(ctx context.Context, a *cover.Archive, c cover.Candidate, known []string) ([]*cover.Object, error) {
	in := map[string]bool{}
	for _, region := range known {
		in[region] = true
	}
	var copies []*cover.Object
	for _, place := range c.Places {
		if in[place.Region] {
			continue
		}
		o, err := a.Verify(ctx, place.Region, c.Range)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if bad := (*cover.CopyError)(nil); errors.As(err, &bad) {
			r.Rejected = append(r.Rejected, cover.FindingOf(c, bad))
			continue
		}
		copies = append(copies, o)
	}
	return copies, nil
}
