package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

// ErrNone means that no schemas were kept at or before the time asked for.
var ErrNone = errors.New("no schemas are kept")

// Set is what a registry held at an instant.
type Set struct {
	At      time.Time
	Digest  string
	Content Content
	// Omitted are the versions that were too large to be kept.
	Omitted []Omitted
	// Down are the regions that did not answer while this was looked for: a
	// newer set may lie there.
	Down map[string]error
	// Skipped says why newer sets do not count.
	Skipped []error
}

// At returns the newest whole set at or before an instant; a zero instant is
// the end of time. Where there is none, the error wraps ErrNone.
func At(ctx context.Context, a *cover.Archive, at time.Time) (*Set, error) {
	asked := at
	var trouble []error
	for {
		found, down, err := documents.Newest(ctx, a, names.FolderSchemas, at, 0)
		if err != nil {
			return nil, fmt.Errorf("look for schemas: %w", err)
		}
		if len(found) == 0 {
			return nil, errors.Join(append([]error{noneAt(asked)}, trouble...)...)
		}
		for _, group := range groups(found) {
			set, err := readSet(ctx, a, group)
			if err == nil {
				set.Down, set.Skipped = down, trouble
				return set, nil
			}
			trouble = append(trouble, err)
		}
		at = found[0].At.Add(-time.Millisecond)
	}
}

func noneAt(at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("%w: set schema_registry.url while archiving", ErrNone)
	}
	return fmt.Errorf("%w at or before %s: set schema_registry.url while archiving, or choose a later time", ErrNone, at.Format(time.RFC3339))
}

// groups puts the documents of one instant and writer together, the oldest
// first.
func groups(entries []documents.Entry) [][]documents.Entry {
	var list [][]documents.Entry
	for _, e := range entries {
		i := slices.IndexFunc(list, func(g []documents.Entry) bool { return g[0].At.Equal(e.At) && g[0].Writer == e.Writer })
		if i < 0 {
			list = append(list, nil)
			i = len(list) - 1
		}
		list[i] = append(list[i], e)
	}
	return list
}

// readSet reads the documents of one set.
func readSet(ctx context.Context, a *cover.Archive, entries []documents.Entry) (*Set, error) {
	wrong := func(err error) error {
		return fmt.Errorf("schemas of %s: %w", entries[0].At.Format(time.RFC3339Nano), err)
	}
	if len(entries) > maxParts {
		return nil, wrong(fmt.Errorf("%d documents, above %d", len(entries), maxParts))
	}
	parts := make([]Document, len(entries))
	for _, e := range entries {
		var d Document
		if err := documents.Read(ctx, a, e, &d); err != nil {
			return nil, wrong(err)
		}
		if d.Parts != len(entries) || d.Part < 1 || d.Part > len(entries) {
			return nil, wrong(fmt.Errorf("part %d of %d, and %d are there", d.Part, d.Parts, len(entries)))
		}
		parts[d.Part-1] = d
	}
	s := &Set{At: entries[0].At, Digest: parts[0].Set}
	var err error
	if s.Content, s.Omitted, err = join(parts); err != nil {
		return nil, wrong(err)
	}
	return s, nil
}
