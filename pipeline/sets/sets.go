// Package sets reads what was too large for one document and is kept as
// several: all of one folder, instant and writer. A set that lacks a part,
// because its writer was interrupted, or of which a part cannot be read, does
// not count; the one before it does.
package sets

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

// maxParts bounds the documents of one set.
const maxParts = 4096

// Head is what each document of a set says of its place in it.
type Head struct {
	// Set is the SHA-256 of all that is in the set, in hex.
	Set string `json:"set"`
	// Part counts from 1 to Parts.
	Part  int `json:"part"`
	Parts int `json:"parts"`
}

// Part is a document of a set; *D of the functions here has it when D embeds
// Head.
type Part[D any] interface {
	*D
	Place() Head
}

// Place returns the head.
func (h Head) Place() Head { return h }

// Set is what was found.
type Set[S any] struct {
	At     time.Time
	Digest string
	What   S
	// Down are the regions that did not answer while this was looked for: a
	// newer set may lie there.
	Down map[string]error
	// Skipped says why newer sets do not count.
	Skipped []error
}

// ErrNone means that there is no whole set at or before the instant asked for.
var ErrNone = errors.New("nothing is kept")

// Newest returns the newest whole set of a folder at or before an instant; a
// zero instant is the end of time. join puts the parts, in their order, together
// again and checks that they make up the set that they say. Where there is none
// the error wraps ErrNone.
func Newest[D, S any, P Part[D]](ctx context.Context, a *cover.Archive, f names.Folder, at time.Time, join func([]D) (S, error)) (*Set[S], error) {
	var trouble []error
	for {
		found, down, err := documents.Newest(ctx, a, f, at, 0)
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", f, err)
		}
		if len(found) == 0 {
			return nil, errors.Join(append([]error{ErrNone}, trouble...)...)
		}
		for _, group := range Groups(found) {
			set, err := Read[D, S, P](ctx, a, group, join)
			if err == nil {
				set.Down, set.Skipped = down, trouble
				return set, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			trouble = append(trouble, err)
		}
		at = found[0].At.Add(-time.Millisecond)
	}
}

// Groups puts the documents of one instant and writer together, the oldest
// first.
func Groups(entries []documents.Entry) [][]documents.Entry {
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

// Read reads the documents of one set.
func Read[D, S any, P Part[D]](ctx context.Context, a *cover.Archive, entries []documents.Entry, join func([]D) (S, error)) (*Set[S], error) {
	s, err := read[D, S, P](ctx, a, entries, join)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", entries[0].Folder, entries[0].At.Format(time.RFC3339Nano), err)
	}
	return s, nil
}

func read[D, S any, P Part[D]](ctx context.Context, a *cover.Archive, entries []documents.Entry, join func([]D) (S, error)) (*Set[S], error) {
	if len(entries) > maxParts {
		return nil, fmt.Errorf("%d documents, above %d", len(entries), maxParts)
	}
	parts := make([]D, len(entries))
	seen := make([]bool, len(entries))
	var set string
	for i, e := range entries {
		var d D
		if err := documents.Read(ctx, a, e, &d); err != nil {
			return nil, err
		}
		h := P(&d).Place()
		if i == 0 {
			set = h.Set
		}
		if h.Parts != len(entries) || h.Part < 1 || h.Part > len(entries) || seen[h.Part-1] || h.Set != set {
			return nil, fmt.Errorf("part %d of %d of set %.16s, where %d documents of set %.16s are", h.Part, h.Parts, h.Set, len(entries), set)
		}
		parts[h.Part-1], seen[h.Part-1] = d, true
	}
	what, err := join(parts)
	return &Set[S]{At: entries[0].At, Digest: set, What: what}, err
}
