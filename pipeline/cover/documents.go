package cover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Documents lists the documents of a folder outside the topics that speak of an
// instant in [from, to], by time; zero is no bound. A name that tidemark did not
// give is left out: verify reports it. down are the regions that did not answer.
func (a *Archive) Documents(ctx context.Context, f names.Folder, from, to time.Time) (files []File, down map[string]error, err error) {
	found := map[string]*File{}
	down, err = a.everywhere(ctx, func(r *Region) error { return listDocuments(ctx, r, f, from, to, found) })
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", f, err)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		files = append(files, *found[name])
	}
	return files, down, nil
}

func listDocuments(ctx context.Context, r *Region, f names.Folder, from, to time.Time, found map[string]*File) error {
	after := ""
	if !from.IsZero() {
		after = f.From(from)
	}
	for info, err := range r.Objects.List(ctx, f.Prefix(), after) {
		if err != nil {
			return err
		}
		d, err := names.ParseDocument(info.Key)
		if err != nil {
			continue
		}
		if !to.IsZero() && d.At.After(to) {
			return nil
		}
		addFile(found, r, info)
	}
	return nil
}

// ReadDocument decodes a document from the first of its copies that is signed
// and is the one its name says.
func (a *Archive) ReadDocument(ctx context.Context, f File, into any) error {
	name, err := names.ParseDocument(f.Name)
	if err != nil {
		return err
	}
	var reasons []error
	for _, p := range f.Places {
		err := a.documentIn(ctx, p.Region, name, into)
		if err == nil {
			return nil
		}
		reasons = append(reasons, err)
	}
	return fmt.Errorf("read %s: %w", name, errors.Join(reasons...))
}

func (a *Archive) documentIn(ctx context.Context, region string, name names.Document, into any) error {
	file, err := a.ReadFile(ctx, region, name.String())
	if err != nil {
		return err
	}
	if err := signed.OpenDocument(name, file, a.trust, into); err != nil {
		return &CopyError{Region: region, Object: name.String(), Err: err}
	}
	return nil
}
