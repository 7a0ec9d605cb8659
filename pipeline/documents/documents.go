// Package documents keeps and reads the small signed files of an archive that
// belong to no partition: marks, schemas, ACLs, drills.
//
// Each is written once, to every region at the same time, under a name that
// says when, by whom and what:
//
//	<folder>/<time>-<writer>-<digest>.json
//
// so that any number of writers share a folder without asking each other. One
// region is enough for a document to count; package heal copies it to the
// others, package verify looks for it there. What a reader takes was signed for
// archiving, is of the kind of its folder, and is of the archive, time and
// writer that its name says: see codec/FORMAT.md.
package documents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Region is the writing side of one region.
type Region interface {
	Name() string
	// Ensure returns nil once an object of this name holds exactly these bytes,
	// locked until a date unless that is zero. Other bytes under the name are an
	// error.
	Ensure(ctx context.Context, name string, body []byte, retainUntil time.Time) error
}

// Keeper writes documents. It is safe for concurrent use.
type Keeper struct {
	Archive names.ArchiveID
	// Signer has the role archive.
	Signer  *signed.Signer
	Regions []Region
	// RetainFor is how long a document is locked from its instant on, zero for
	// no lock.
	RetainFor time.Duration
	// Failed, unless nil, is told of a region that did not take a document which
	// another took: heal brings it there.
	Failed func(region string, d names.Document, err error)
}

// Keep writes a document that speaks of an instant, and returns its name. The
// document must encode to JSON that decodes strictly into the type that readers
// use. Keep is nil as soon as every region has answered and one of them holds
// it; a document that encodes to the same bytes may be kept again. A document
// above signed.MaxFile is a *signed.SizeError: nothing is written then.
func (k *Keeper) Keep(ctx context.Context, f names.Folder, at time.Time, document any) (names.Document, error) {
	name, file, err := k.Signer.SealDocument(k.Archive, f, at, document)
	if err != nil {
		return names.Document{}, err
	}
	var retain time.Time
	if k.RetainFor > 0 {
		retain = name.At.Add(k.RetainFor)
	}
	errs := make([]error, len(k.Regions))
	var g errgroup.Group
	for i, r := range k.Regions {
		g.Go(func() error {
			errs[i] = r.Ensure(ctx, name.String(), file, retain)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return name, k.judge(name, errs)
}

// judge is nil if a region took the document.
func (k *Keeper) judge(name names.Document, errs []error) error {
	var failed []error
	for i, err := range errs {
		if err != nil {
			failed = append(failed, fmt.Errorf("region %s: %w", k.Regions[i].Name(), err))
		}
	}
	if len(failed) == len(k.Regions) {
		return fmt.Errorf("keep %s: %w", name, errors.Join(failed...))
	}
	for i, err := range errs {
		if err != nil && k.Failed != nil {
			k.Failed(k.Regions[i].Name(), name, err)
		}
	}
	return nil
}

// Entry is a document as the regions list it.
type Entry struct {
	names.Document
	// File says where its copies are, the nearest first.
	File cover.File
}

// List returns the documents of a folder that speak of an instant in [from, to],
// the oldest first; zero is no bound. Its error means that no region answered.
func List(ctx context.Context, a *cover.Archive, f names.Folder, from, to time.Time) ([]Entry, error) {
	entries, _, err := list(ctx, a, f, from, to)
	return entries, err
}

func list(ctx context.Context, a *cover.Archive, f names.Folder, from, to time.Time) ([]Entry, map[string]error, error) {
	files, down, err := a.Documents(ctx, f, from, to)
	if err != nil {
		return nil, nil, err
	}
	entries := make([]Entry, 0, len(files))
	for _, file := range files {
		d, err := names.ParseDocument(file.Name)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, Entry{d, file})
	}
	return entries, down, nil
}

// Read decodes a document from the nearest region whose copy is signed and is
// the one its name says. The error says of each copy why it does not count.
func Read(ctx context.Context, a *cover.Archive, e Entry, into any) error {
	return a.ReadDocument(ctx, e.File, into)
}

// Newest returns the newest document of a folder at or before an instant, with
// all that lie within a span before it, the oldest first. It looks further and
// further back, and is empty where there is none at all. A zero instant is the
// end of time. down are the regions that did not answer: a newer document may
// lie there.
func Newest(ctx context.Context, a *cover.Archive, f names.Folder, at time.Time, span time.Duration) (found []Entry, down map[string]error, err error) {
	if at.IsZero() {
		at = endOfTime
	}
	for _, back := range lookBack {
		found, down, err = list(ctx, a, f, before(at, back), at)
		if err != nil || len(found) > 0 {
			break
		}
	}
	if err != nil || len(found) == 0 {
		return nil, down, err
	}
	return list(ctx, a, f, found[len(found)-1].At.Add(-span), at)
}

// endOfTime is the last instant that a name can have.
var endOfTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)

// lookBack are the spans in which the newest document is looked for; 0 is
// without a bound. An archive that runs has one in the first.
var lookBack = []time.Duration{time.Hour, 24 * time.Hour, 31 * 24 * time.Hour, 0}

// before is an instant so long before another one, or before now if that is
// earlier; zero for no bound.
func before(at time.Time, back time.Duration) time.Time {
	if back == 0 {
		return time.Time{}
	}
	if now := time.Now(); at.After(now) {
		at = now
	}
	return at.Add(-back)
}
