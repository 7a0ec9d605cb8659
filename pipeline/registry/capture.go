package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

// Capturer writes a registry down where it differs from what was written last.
// It is for one goroutine.
type Capturer struct {
	Client  *Client
	Archive *cover.Archive
	Keeper  *documents.Keeper
	// Choose picks subjects; nil picks all.
	Choose func(subject string) bool

	last   time.Time // of the newest set
	digest string    // of the newest set
}

// Captured is what came of one look.
type Captured struct {
	// Changed tells whether anything was written.
	Changed            bool
	Subjects, Versions int
	// Documents is how many the set was cut into.
	Documents int
	// Omitted are the versions that are too large to be kept.
	Omitted []Omitted
}

// Once looks at the registry, and writes down what it holds if that is new or
// was written down long ago. All or nothing counts: a set whose writing was
// interrupted is none, and is written again.
func (c *Capturer) Once(ctx context.Context, now time.Time) (Captured, error) {
	content, err := c.Client.Read(ctx, c.Choose)
	if err != nil {
		return Captured{}, fmt.Errorf("read schema registry: %w", err)
	}
	var out Captured
	if out.Omitted, err = omit(&content); err != nil {
		return out, err
	}
	out.Subjects, out.Versions = len(content.Subjects), len(content.versions())
	if err := c.recall(ctx); err != nil {
		return out, err
	}
	parts, err := cut(&content, out.Omitted)
	if err != nil || parts[0].Set == c.digest && now.Sub(c.last) < refreshAfter {
		return out, err
	}
	for _, d := range parts {
		if _, err := c.Keeper.Keep(ctx, names.FolderSchemas, now, d); err != nil {
			return out, err
		}
	}
	c.last, c.digest = now, parts[0].Set
	out.Changed, out.Documents = true, len(parts)
	return out, nil
}

// recall learns what was written last, by whomever: another member may have
// been the one that looks since. As a rule that is one LIST in each region.
func (c *Capturer) recall(ctx context.Context) error {
	found, _, err := documents.Newest(ctx, c.Archive, names.FolderSchemas, time.Time{}, 0)
	if err != nil {
		return err
	}
	if len(found) > 0 && found[0].At.Equal(c.last) {
		return nil
	}
	c.last, c.digest = time.Time{}, ""
	set, err := At(ctx, c.Archive, time.Time{})
	if err == nil {
		c.last, c.digest = set.At, set.Digest
	} else if errors.Is(err, ErrNone) {
		err = nil
	}
	return err
}
