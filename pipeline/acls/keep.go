package acls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/sets"
)

const (
	// partBytes is where one document is full, in bytes of JSON: far below
	// signed.MaxFile.
	partBytes = 256 << 10

	// refreshAfter is when all is written down again although nothing changed,
	// so that the newest documents' locks never run out.
	refreshAfter = 30 * 24 * time.Hour
)

// ErrNone means that no access rules were kept at or before the time asked for.
var ErrNone = errors.New("no access rules are kept")

// Document is one file of acls/: a part of the rules of a cluster.
type Document struct {
	sets.Head
	Rules
}

// Set is what a cluster had at an instant.
type Set = sets.Set[Rules]

// At returns the rules that were kept last at or before an instant; a zero
// instant is the end of time. Where there are none, the error wraps ErrNone.
func At(ctx context.Context, a *cover.Archive, at time.Time) (*Set, error) {
	set, err := sets.Newest(ctx, a, names.FolderACLs, at, join)
	if errors.Is(err, sets.ErrNone) {
		return nil, fmt.Errorf("%w at or before %s: set acls.capture while archiving: %w", ErrNone, moment(at), err)
	}
	return set, err
}

func moment(at time.Time) string {
	if at.IsZero() {
		return "now"
	}
	return at.Format(time.RFC3339)
}

// cut makes the documents of a cluster's rules.
func cut(r Rules) ([]Document, error) {
	set, err := r.Digest()
	if err != nil {
		return nil, err
	}
	parts, size := []Document{{Rules: Rules{Disabled: r.Disabled}}}, 0
	for _, rule := range r.List {
		text, err := json.Marshal(rule)
		if err != nil {
			return nil, fmt.Errorf("encode access rule: %w", err)
		}
		if size += len(text); size > partBytes {
			parts, size = append(parts, Document{}), len(text)
		}
		last := &parts[len(parts)-1]
		last.List = append(last.List, rule)
	}
	for i := range parts {
		parts[i].Head = sets.Head{Set: set, Part: i + 1, Parts: len(parts)}
	}
	return parts, nil
}

func join(parts []Document) (Rules, error) {
	r := Rules{Disabled: parts[0].Disabled}
	for _, d := range parts {
		r.List = append(r.List, d.List...)
	}
	digest, err := r.Digest()
	if err == nil && digest != parts[0].Set {
		err = fmt.Errorf("its parts make up set %.16s, not %.16s", digest, parts[0].Set)
	}
	return r, err
}

// Capturer writes a cluster's rules down where they differ from what was written
// last. It is for one goroutine.
type Capturer struct {
	Client  *kgo.Client
	Archive *cover.Archive
	Keeper  *documents.Keeper

	last   time.Time // of the newest set
	digest string    // of the newest set
}

// Captured is what came of one look.
type Captured struct {
	// Changed tells whether anything was written.
	Changed bool
	// Disabled tells that the cluster has no authorizer.
	Disabled bool
	Rules    int
}

// Once looks at the cluster, and writes down its rules if they are new or were
// written down long ago.
func (c *Capturer) Once(ctx context.Context, now time.Time) (Captured, error) {
	rules, err := Describe(ctx, c.Client)
	if err != nil {
		return Captured{}, err
	}
	out := Captured{Disabled: rules.Disabled, Rules: len(rules.List)}
	if err := c.recall(ctx); err != nil {
		return out, err
	}
	parts, err := cut(rules)
	if err != nil || parts[0].Set == c.digest && now.Sub(c.last) < refreshAfter {
		return out, err
	}
	for _, d := range parts {
		if _, err := c.Keeper.Keep(ctx, names.FolderACLs, now, d); err != nil {
			return out, err
		}
	}
	c.last, c.digest, out.Changed = now, parts[0].Set, true
	return out, nil
}

// recall learns what was written last, by whomever: another member may have
// been the one that looks since. As a rule that is one LIST in each region.
func (c *Capturer) recall(ctx context.Context) error {
	found, _, err := documents.Newest(ctx, c.Archive, names.FolderACLs, time.Time{}, 0)
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
