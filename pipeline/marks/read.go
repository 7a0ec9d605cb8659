package marks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

const (
	// readAtOnce are read together: each is one small request.
	readAtOnce = 16
	// span is how far before the newest mark those of other writers are looked
	// for: who archives writes within Heartbeat, and a little later.
	span = Heartbeat + 5*time.Minute
	// readMost bounds how many are read for a topic that is nowhere in the span.
	readMost = 5_000
)

// Options say what of a mark is wanted.
type Options struct {
	// Topics are the lives of topics that count, by name: reading ends as soon as
	// all of their partitions are there, and goes on beyond the usual span where
	// they are not. Nil is every topic, within that span.
	Topics map[string]names.TopicID
}

// NoMarkError says that there is no mark at or before a moment.
type NoMarkError struct {
	At time.Time
	// First is the first mark that there is, zero if there is none at all.
	First time.Time
}

func (e *NoMarkError) Error() string {
	text := fmt.Sprintf("there is no mark at or before %s", e.At.UTC().Format(time.RFC3339Nano))
	if e.First.IsZero() {
		return text + ": the archiver wrote none (see marks in the configuration)"
	}
	return text + fmt.Sprintf(": the first is of %s", e.First.UTC().Format(time.RFC3339Nano))
}

// At puts together what the archive knew at a moment: of each partition the
// newest mark at or before it, in whichever region. A zero moment is the newest.
// It is a *NoMarkError where there is none.
func At(ctx context.Context, a *cover.Archive, moment time.Time, o Options) (*Mark, error) {
	entries, down, err := documents.Newest(ctx, a, names.FolderMarks, moment, span)
	if err != nil {
		return nil, fmt.Errorf("look for marks: %w", err)
	}
	if len(entries) == 0 {
		return nil, none(ctx, a, moment)
	}
	x := newAssembly(o)
	for _, region := range slices.Sorted(maps.Keys(down)) {
		x.warn("region %s did not answer: a newer mark may lie there", region)
	}
	if err := x.readAll(ctx, a, entries); err != nil {
		return nil, err
	}
	if len(o.Topics) > 0 && !x.complete() {
		if err := x.readOlder(ctx, a, entries[0].At); err != nil {
			return nil, err
		}
	}
	return x.mark(moment), nil
}

func none(ctx context.Context, a *cover.Archive, moment time.Time) error {
	all, err := documents.List(ctx, a, names.FolderMarks, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	e := &NoMarkError{At: moment}
	if len(all) > 0 {
		e.First = all[0].At
	}
	return e
}

// Named puts together what the archive knew at the instant of one document. The
// name may stand without its folder and its ending.
func Named(ctx context.Context, a *cover.Archive, name string, o Options) (*Mark, error) {
	d, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	same, err := documents.List(ctx, a, names.FolderMarks, d.At, d.At)
	if err != nil {
		return nil, fmt.Errorf("look for mark %s: %w", d, err)
	}
	if !slices.ContainsFunc(same, func(e documents.Entry) bool { return e.Document == d }) {
		return nil, fmt.Errorf("no region holds the mark %s", d)
	}
	return At(ctx, a, d.At, o)
}

// ParseName reads the name of a mark, with or without folder and ending.
func ParseName(name string) (names.Document, error) {
	d, err := names.ParseDocument(name)
	if err != nil {
		d, err = names.ParseDocument(names.FolderMarks.Prefix() + name + ".json")
	}
	if err == nil && d.Folder != names.FolderMarks {
		err = fmt.Errorf("%q is not a mark", name)
	}
	return d, err
}

// readOlder goes on behind the span, for topics that nobody archived lately.
func (x *assembly) readOlder(ctx context.Context, a *cover.Archive, before time.Time) error {
	older, err := documents.List(ctx, a, names.FolderMarks, time.Time{}, before.Add(-time.Millisecond))
	if err != nil {
		return fmt.Errorf("look for older marks: %w", err)
	}
	if len(older) > readMost {
		x.warn("only the newest %d of %d older marks were looked at", readMost, len(older))
		older = older[len(older)-readMost:]
	}
	return x.readAll(ctx, a, older)
}

// readAll reads from the newest on, until what is wanted is there.
func (x *assembly) readAll(ctx context.Context, a *cover.Archive, entries []documents.Entry) error {
	for end := len(entries); end > 0 && !x.complete(); end -= readAtOnce {
		chunk := entries[max(0, end-readAtOnce):end]
		read := readChunk(ctx, a, chunk)
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := len(chunk) - 1; i >= 0; i-- {
			if read[i].err != nil {
				x.warn("%v", read[i].err)
				continue
			}
			x.add(chunk[i], read[i].mark)
		}
	}
	return nil
}

type readMark struct {
	mark signed.Mark
	err  error
}

func readChunk(ctx context.Context, a *cover.Archive, chunk []documents.Entry) []readMark {
	out := make([]readMark, len(chunk))
	var wg sync.WaitGroup
	for i, e := range chunk {
		wg.Go(func() {
			if out[i].err = documents.Read(ctx, a, e, &out[i].mark); out[i].err == nil {
				out[i].err = out[i].mark.Validate()
			}
		})
	}
	wg.Wait()
	return out
}
