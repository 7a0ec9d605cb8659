package cover

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Documents lists the documents of a folder outside the topics that speak of an
// instant in [from, to], by time; zero is no bound. A name that tidemark did not
// give is left out: verify reports it. down are the regions that did not answer.
func (a *Archive) Documents(ctx context.Context, f names.Folder, from, to time.Time) (files []File, down map[string]error, err error) {
	found, down, err := a.filesIn(ctx, func(ctx context.Context, r *Region, add func(object.Info)) error {
		return listDocuments(ctx, r, f, from, to, add)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", f, err)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		files = append(files, *found[name])
	}
	return files, down, nil
}

func listDocuments(ctx context.Context, r *Region, f names.Folder, from, to time.Time, add func(object.Info)) error {
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
		add(info)
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
	file, by, errs := fromPlaces(ctx, a, f.Places, func(ctx context.Context, r *Region) ([]byte, error) {
		return a.documentIn(ctx, r.Name, name)
	})
	if by < 0 {
		return fmt.Errorf("read %s: %w", name, joined(ctx, errs))
	}
	return signed.OpenDocument(name, file, a.trust, into)
}

// documentIn returns the file of a document if it is genuine in a region.
func (a *Archive) documentIn(ctx context.Context, region string, name names.Document) ([]byte, error) {
	file, err := a.ReadFile(ctx, region, name.String())
	if err != nil {
		return nil, err
	}
	var any json.RawMessage
	if err := signed.OpenDocument(name, file, a.trust, &any); err != nil {
		return nil, &CopyError{Region: region, Object: name.String(), Err: err}
	}
	return file, nil
}
