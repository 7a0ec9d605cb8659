package rollup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// lapse deletes the small segments of a partition that roll-ups hold.
func (r *Roller) lapse(ctx context.Context, x *run) error {
	m, err := r.parts.Archive.Map(ctx, x.part.name)
	if err != nil {
		return err
	}
	span, ok := overlaid(m)
	if !ok || len(m.Down) > 0 {
		return nil // said when it was planned, or next time
	}
	pages, err := r.parts.Archive.Pages(ctx, x.part.name, span)
	if err != nil {
		return err
	}
	for _, page := range pages {
		l := &lapsing{run: x, m: m, page: page}
		for i := range page.Segments {
			if err := l.roll(ctx, &page.Segments[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// overlaid is the span of the segments that another covers: only there may
// something lapse, and only the pages of it are read.
func overlaid(m *cover.Map) (span cover.Offsets, ok bool) {
	reach := int64(-1) // of what begins before
	for i, c := range m.Segments {
		same := reach
		for j := i + 1; j < len(m.Segments) && m.Segments[j].Base == c.Base; j++ {
			same = max(same, m.Segments[j].Next)
		}
		if same >= c.Next {
			if !ok {
				span, ok = c.Offsets(), true
			}
			span.Next = max(span.Next, c.Next)
		}
		reach = max(reach, c.Next)
	}
	return span, ok
}

// lapsing is the lapse of what one page tells of.
type lapsing struct {
	*run
	m    *cover.Map
	page cover.Page
}

// roll deletes the small segments that one roll-up holds. This is the order, and
// the only place where it is decided:
//
//	roll-up compared in A and B ──▶ page in A and B ──▶ each small one: its date ──▶ deleted in A ──▶ in B
//
// After a crash at any arrow every region holds the roll-up and the page. A small
// segment that is gone from one region and not from the other has lapsed where
// it is gone: the page says so, nobody copies it back, and the next run goes on.
//
// Nothing is deleted unless, in this run, every block of the roll-up was compared
// with its SHA-256 in every region. A segment that does not verify stays, for
// its retention date cannot be believed; so does one whose date has not come or
// that a store calls locked.
func (l *lapsing) roll(ctx context.Context, s *catalogue.Segment) error {
	var held []cover.Candidate
	for _, c := range beginningIn(l.m.Segments, cover.Offsets{Base: s.Base, Next: s.Next}) {
		if c.Range != l.page.Name(s) && s.Has(c.Range) {
			held = append(held, c)
		}
	}
	if len(held) == 0 {
		return nil
	}
	roll, err := l.check(ctx, l.page.Name(s))
	if err != nil {
		l.find(l.stays(s, err))
		return ctx.Err()
	}
	err = l.everywhere(ctx)
	if errors.Is(err, fs.ErrExist) {
		l.find(l.taken(l.page.Object, cover.Offsets{Base: l.page.Base, Next: l.page.Next}, err))
		return nil
	}
	if err != nil {
		return err
	}
	members, findings := l.inspect(ctx, held)
	l.find(findings...)
	if err := l.deleteAll(ctx, members, roll); err != nil {
		return err
	}
	return ctx.Err()
}

// deleteAll deletes many at once: each waits for four small requests or more.
func (l *lapsing) deleteAll(ctx context.Context, members []*member, roll *cover.Object) error {
	for done := 0; done < len(members); done += parallel {
		chunk := members[done:min(done+parallel, len(members))]
		l.tell("lapse", done, len(members))
		fates, errs := make([]fate, len(chunk)), make([]error, len(chunk))
		var wg sync.WaitGroup
		for i, m := range chunk {
			wg.Go(func() { fates[i], errs[i] = l.delete(ctx, m, roll) })
		}
		wg.Wait()
		for i, m := range chunk {
			l.count(m, fates[i])
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// fate is what became of a small segment.
type fate int

const (
	stayed fate = iota // it does not lapse, or an error came between
	lapsed
	locked       // by its own date
	lockedInside // by a store that knows more
)

func (l *lapsing) count(m *member, f fate) {
	switch f {
	case lapsed:
		l.report.Lapsed++
		l.report.LapsedBytes += m.object.Info.Size
	case locked:
		l.report.Locked++
		l.report.UnlockedAt = later(l.report.UnlockedAt, m.locked)
	case lockedInside:
		l.report.Locked++
	}
}

// stays is the finding of a roll-up that does not count in every region.
func (l *lapsing) stays(s *catalogue.Segment, err error) cover.Finding {
	f := findingOf(cover.Candidate{Range: l.page.Name(s)}, "", err)
	f.Detail = "what it holds does not lapse: " + f.Detail
	return f
}

// everywhere makes sure that every region has the page, genuine, before a
// segment is missing that only the page explains.
func (l *lapsing) everywhere(ctx context.Context) error {
	for _, region := range l.parts.Regions {
		if err := l.ensurePage(ctx, region, l.page.Object, l.page.File); err != nil {
			return err
		}
	}
	return nil
}

// ensurePage stores a page in a region and reads it back.
func (x *run) ensurePage(ctx context.Context, region Region, name string, file []byte) error {
	err := region.Ensure(ctx, name, file, time.Time{})
	if err == nil {
		_, err = x.parts.Archive.Page(ctx, region.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("store catalogue page in region %s: %w", region.Name(), err)
	}
	return nil
}

// delete removes one small segment from every region, unless its date has not
// come.
func (l *lapsing) delete(ctx context.Context, m *member, roll *cover.Object) (fate, error) {
	h := roll.Segment.Header()
	if m.Base < h.Base || m.Next > roll.Segment.Footer().Next || h.RetainUntil.Before(m.retain) {
		return stayed, nil // the page is signed, and wrong all the same
	}
	if l.options.Now().Before(m.locked) {
		return locked, nil
	}
	for _, region := range l.parts.Regions {
		err := region.Delete(ctx, m.String())
		if errors.Is(err, fs.ErrPermission) {
			return lockedInside, nil
		}
		if err != nil {
			return stayed, fmt.Errorf("region %s: delete %s: %w", region.Name(), m.Range, err)
		}
	}
	return lapsed, nil
}
