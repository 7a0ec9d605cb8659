package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/sets"
)

// ErrNone means that no schemas were kept at or before the time asked for.
var ErrNone = errors.New("no schemas are kept")

// Kept is what is in a set of documents.
type Kept struct {
	Content Content
	// Omitted are the versions that were too large to be kept.
	Omitted []Omitted
}

// Set is what a registry held at an instant.
type Set = sets.Set[Kept]

// At returns the newest whole set at or before an instant; a zero instant is
// the end of time. Where there is none, the error wraps ErrNone.
func At(ctx context.Context, a *cover.Archive, at time.Time) (*Set, error) {
	set, err := sets.Newest(ctx, a, names.FolderSchemas, at, join)
	if errors.Is(err, sets.ErrNone) {
		return nil, fmt.Errorf("%w: %w", noneAt(at), err)
	}
	return set, err
}

func noneAt(at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("%w: set schema_registry.url while archiving", ErrNone)
	}
	return fmt.Errorf("%w at or before %s: set schema_registry.url while archiving, or choose a later time", ErrNone, at.Format(time.RFC3339))
}

func readSet(ctx context.Context, a *cover.Archive, entries []documents.Entry) (*Set, error) {
	return sets.Read(ctx, a, entries, join)
}
