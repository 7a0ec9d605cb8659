package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/sets"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Archived is what is kept under schemas/, as the schemas of package values. It
// is safe for concurrent use.
type Archived struct {
	archive *cover.Archive
	at      time.Time

	mu     sync.Mutex
	listed bool                // guarded by mu, as all below
	sets   [][]documents.Entry // not read yet, in the order to be read
	failed [][]documents.Entry // could not be read
	tried  time.Time           // when that was tried last
	known  map[int]values.Schema
	bad    []error // why something is not known
}

// tryAgain is how long a set that could not be read is left alone: its region
// may be back then.
const tryAgain = 15 * time.Second

// NewArchived returns the schemas as they were at an instant; a zero instant is
// the end of time. It reads nothing yet.
func NewArchived(a *cover.Archive, at time.Time) *Archived {
	return &Archived{archive: a, at: at, known: map[int]values.Schema{}}
}

// ByID implements values.Schemas. The newest set at or before the instant that
// knows the id counts: a schema may have been deleted since. Where none does,
// the sets after it are looked at, the oldest first, because a record may be
// some minutes older than the look that found its schema.
func (a *Archived) ByID(ctx context.Context, id int) (values.Schema, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.list(ctx); err != nil {
		return values.Schema{}, err
	}
	if len(a.failed) > 0 && time.Since(a.tried) > tryAgain {
		a.sets, a.failed, a.bad = append(a.sets, a.failed...), nil, nil
	}
	for {
		if s, ok := a.known[id]; ok {
			return s, nil
		}
		if len(a.sets) == 0 {
			err := fmt.Errorf("the archive has no schema of id %d: %w", id, values.ErrUnknownSchema)
			return values.Schema{}, errors.Join(append([]error{err}, a.bad...)...)
		}
		if err := a.learn(ctx, a.sets[0]); err != nil {
			return values.Schema{}, err
		}
		a.sets = a.sets[1:]
	}
}

func (a *Archived) list(ctx context.Context) error {
	if a.listed {
		return nil
	}
	entries, err := documents.List(ctx, a.archive, names.FolderSchemas, time.Time{}, time.Time{})
	if err != nil {
		return fmt.Errorf("look for schemas: %w", err)
	}
	var later [][]documents.Entry
	for _, g := range sets.Groups(entries) {
		if !a.at.IsZero() && g[0].At.After(a.at) {
			later = append(later, g)
		} else {
			a.sets = append(a.sets, g)
		}
	}
	slices.Reverse(a.sets)
	a.sets, a.listed = append(a.sets, later...), true
	return nil
}

// learn takes over what one set knows and none before it knew.
func (a *Archived) learn(ctx context.Context, entries []documents.Entry) error {
	set, err := readSet(ctx, a.archive, entries)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.bad, a.failed, a.tried = append(a.bad, err), append(a.failed, entries), time.Now()
		return nil
	}
	have := set.What.Content.versions()
	find := func(p place) (*Version, error) {
		if v := have[p]; v != nil {
			return v, nil
		}
		return nil, fmt.Errorf("%s is referred to and not kept", p)
	}
	for p, v := range have {
		if _, ok := a.known[v.ID]; ok {
			continue
		}
		s, err := schemaOf(p, find)
		if err != nil {
			a.bad = append(a.bad, fmt.Errorf("schema of id %d: %w", v.ID, err))
			continue
		}
		a.known[v.ID] = s
	}
	return nil
}

// Either asks one after the other until one knows an id.
type Either []values.Schemas

// ByID implements values.Schemas.
func (e Either) ByID(ctx context.Context, id int) (values.Schema, error) {
	var errs []error
	for _, s := range e {
		found, err := s.ByID(ctx, id)
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return values.Schema{}, values.ErrNoSchemas
	}
	return values.Schema{}, errors.Join(errs...)
}
