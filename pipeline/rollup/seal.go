package rollup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/spool"
)

// RefusedError says why small segments stay as they are.
type RefusedError struct {
	// Offsets are those that stand in the way.
	Offsets cover.Offsets
	Kind    cover.Kind
	Err     error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("not rolled up: offsets %s: %v", e.Offsets, e.Err)
}

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

func (e *RefusedError) finding(p names.Partition, all cover.Offsets) cover.Finding {
	return cover.Finding{
		Kind: e.Kind, Partition: p.String(), Offsets: &e.Offsets,
		Detail: fmt.Sprintf("%s is not rolled up: %v", all, e.Err), Advice: e.Kind.Advice(),
	}
}

// The reasons why a range is refused.
var (
	errGap    = errors.New("only a signed gap explains them; a roll-up would make them look archived")
	errMerged = errors.New("their copies hold different batches; readers merge them, a roll-up keeps batches as they are")
)

// seal reads what the small segments hold, from whichever copy serves, and
// writes it as one segment that covers exactly their offsets.
func (x *run) seal(ctx context.Context, roll *Roll, to *spool.File) (*segment.Sealed, error) {
	page, slot, secret, err := x.parts.Secrets.Next()
	if err != nil {
		return nil, err
	}
	h := roll.members[0].object.Segment.Header()
	h.Page, h.Slot, h.Writer = page, slot, x.writer
	h.Created, h.RetainUntil = roll.created, roll.RetainUntil
	s, err := segment.NewStream(to, h, secret, segment.Options{
		BlockSize: x.options.Block, Compression: x.options.Compression, Filter: true, Fields: x.fields(h.Topic), Pool: x.pool,
	})
	if err != nil {
		return nil, err
	}
	defer s.Discard()
	done := 0
	err = x.read(ctx, roll, func(piece cover.Piece) error {
		if piece.Next() > roll.members[done].Next && done < len(roll.members)-1 {
			done++
			x.tell("seal", done, roll.Segments)
		}
		return add(s, roll, piece)
	})
	if err != nil {
		return nil, err
	}
	return s.Close(roll.Next, x.prev(roll), x.parts.Signer)
}

// fields are those that the filters of a roll-up cover: what is configured now,
// whatever those of the small segments did.
func (x *run) fields(topic string) segment.Fields {
	if x.options.Fields == nil {
		return nil
	}
	return x.options.Fields(topic)
}

// add takes one batch over as it is. Only the first may begin below what counts
// of it, as in any segment.
func add(s *segment.Stream, roll *Roll, piece cover.Piece) error {
	b, counts, ok := piece.Batch()
	first := counts.Base == roll.Base
	if !ok || counts.Next < b.NextOffset() || counts.Base > b.BaseOffset && !first {
		return &RefusedError{cover.Offsets{Base: piece.Base(), Next: piece.Next()}, cover.KindOverlap, errMerged}
	}
	return s.Append(b.Header, b.Bytes)
}

// read yields every batch of a range. An offset that nothing serves is refused,
// and so is one that only a gap explains.
func (x *run) read(ctx context.Context, roll *Roll, take func(cover.Piece) error) error {
	var gap *RefusedError
	report := func(f cover.Finding) {
		if f.Kind == cover.KindGap && f.Offsets != nil {
			gap = &RefusedError{*f.Offsets, cover.KindGap, errGap}
		}
	}
	m := x.around(roll.Offsets)
	for piece, err := range x.parts.Archive.ReadMap(ctx, m, cover.ReadOptions{From: roll.Base, To: roll.Next, Report: report}) {
		lost := (*cover.LostError)(nil)
		if errors.As(err, &lost) {
			return &RefusedError{lost.Offsets, cover.KindLost, lost}
		}
		if err != nil {
			return err
		}
		if err := take(piece); err != nil {
			return err
		}
	}
	if gap != nil {
		return gap
	}
	return ctx.Err()
}

// around is the part of the map that has to do with a range: a year of names
// need not be gone through for each day.
func (x *run) around(o cover.Offsets) *cover.Map {
	m := x.part.m
	part := &cover.Map{Partition: m.Partition, Down: m.Down}
	for _, c := range m.Segments {
		if c.Base < o.Next && c.Next > o.Base {
			part.Segments = append(part.Segments, c)
		}
	}
	for _, c := range m.Gaps {
		if c.Base < o.Next && c.Next > o.Base {
			part.Gaps = append(part.Gaps, c)
		}
	}
	return part
}

// prev is the digest of what ends where a roll-up begins: a roll-up if there is
// one, for it stays; else what the first small segment names.
func (x *run) prev(roll *Roll) names.Digest {
	var ends []names.Digest
	for _, m := range x.part.rolled {
		if m.next == roll.Base {
			ends = append(ends, m.digest)
		}
	}
	if len(ends) == 0 {
		return roll.members[0].object.Prev
	}
	return slices.MinFunc(ends, func(a, b names.Digest) int { return slices.Compare(a[:], b[:]) })
}

// twin finds a roll-up of exactly these offsets that an earlier run, or another
// writer, has stored. It is taken if every batch that the small segments give is
// in it, and then every region gets it.
func (x *run) twin(ctx context.Context, roll *Roll) (*names.Range, error) {
	found, err := x.listed(ctx, roll)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		members, _ := x.inspect(ctx, []cover.Candidate{c})
		if len(members) == 0 || !x.isRolled(members[0]) || !members[0].object.Segment.Header().RetainUntil.Equal(milli(roll.RetainUntil)) {
			continue
		}
		x.see(members[0])
		if !x.holdsAll(ctx, roll, c.Range) {
			continue
		}
		for _, region := range x.parts.Regions {
			if _, here := c.Place(region.Name()); here {
				continue
			}
			if err := x.parts.Copier.Copy(ctx, c, region.Name()); err != nil {
				return nil, fmt.Errorf("copy roll-up to region %s: %w", region.Name(), err)
			}
		}
		return &c.Range, nil
	}
	return nil, ctx.Err()
}

// milli is a time as a header holds it.
func milli(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()) }
