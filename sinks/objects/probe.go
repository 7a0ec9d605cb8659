package objects

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/tidemark-io/tidemark/codec/object"
)

// probePrefix is reserved for objects that ask the store a question and are
// deleted at once.
const probePrefix = "probe/"

// ProbeConditional reports whether the store honours put-if-absent: it writes
// a small object twice and deletes every version of it. A store that takes the
// second write costs extra versions but loses nothing; with Object Lock every
// extra version is paid for until its date, so such a store must be refused.
//
// A probe that cannot be deleted is an error beside a valid answer: the bucket
// has a default retention, or the permission to delete is missing.
func ProbeConditional(ctx context.Context, s Store) (bool, error) {
	key := probePrefix + rand.Text()
	if err := s.Put(ctx, key, []byte("first"), PutOptions{}); err != nil {
		return false, fmt.Errorf("probe conditional write: %w", err)
	}
	second := s.Put(ctx, key, []byte("second"), PutOptions{})
	honoured := errors.Is(second, fs.ErrExist)
	if err := deleteAll(ctx, s, key); err != nil {
		return honoured, fmt.Errorf("delete probe: %w", err)
	}
	if second != nil && !honoured {
		return false, fmt.Errorf("probe conditional write: %w", second)
	}
	return honoured, nil
}

// deleteAll deletes every version of key. They are collected first, so that
// no page of the listing moves under the deletion.
func deleteAll(ctx context.Context, s Deleter, key string) error {
	var names []string
	for info, err := range s.Versions(ctx, key) {
		if err != nil {
			return err
		}
		names = append(names, info.Version)
	}
	for _, version := range names {
		if err := s.DeleteVersion(ctx, key, version); err != nil {
			return err
		}
	}
	return nil
}

// Access is one operation that ProbeAccess tried.
type Access struct {
	// Op is an operation as in Error.Op.
	Op string
	// Err is nil if it works.
	Err error
}

// ProbeAccess tries every operation on a small object of its own and returns
// one result for each, in the order in which they were tried. Without the
// permission to put there is nothing to try the others on, and those that need
// an object are left out.
func ProbeAccess(ctx context.Context, s Store) []Access {
	key := probePrefix + rand.Text()
	found := []Access{{"put", s.Put(ctx, key, []byte("probe"), PutOptions{})}, {"list", first(s.List(ctx, probePrefix, ""))}}
	if found[0].Err != nil {
		return found
	}
	_, get := s.Get(ctx, key)
	_, readat := s.ReadAt(ctx, key, make([]byte, 1), 0)
	_, stat := s.Stat(ctx, key)
	return append(found, Access{"get", get}, Access{"readat", readat}, Access{"stat", stat},
		Access{"versions", first(s.Versions(ctx, key))}, Access{"delete", deleteAll(ctx, s, key)})
}

// first returns the error of a listing's first entry.
func first(all iter.Seq2[object.Info, error]) error {
	for _, err := range all {
		return err
	}
	return nil
}
