package find

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// search is one Find under way.
type search struct {
	archive *cover.Archive
	options Options
	where   conditions

	blocks, opened, segments, again, unread atomic.Int64
}

// errOdd says that the index and the regions do not agree, or that something is
// wrong that has to be seen without the index.
var errOdd = errors.New("the index and the regions disagree")

// partition searches one partition: with the index if there is one, and from
// where that met anything odd without.
func (s *search) partition(ctx context.Context, t task, emit emitter) {
	var from int64
	if s.options.Index != nil {
		quick := func(r result) bool {
			if r.err != nil || r.finding != nil && !slices.Contains(known, r.finding.Kind) {
				return false
			}
			if r.finding == nil {
				from = r.hit.Record.Offset + 1
			}
			return emit(r)
		}
		if s.attempt(ctx, t, 0, s.options.Index, quick) == nil || ctx.Err() != nil {
			return
		}
		s.again.Add(1)
	}
	_ = s.attempt(ctx, t, from, newAnew(s.options.Index), emit)
}

// known are the kinds of findings that the regions would tell of, too.
var known = []cover.Kind{cover.KindGap, cover.KindNoBeginning}

// attempt searches the offsets of a partition from one on. It is errOdd if emit
// asked to stop.
func (s *search) attempt(ctx context.Context, t task, from int64, x Index, emit emitter) error {
	m, err := s.list(ctx, t.partition, x)
	if err != nil {
		emit(result{err: err})
		return errOdd
	}
	suspects, findings := s.suspects(ctx, m, t, x)
	for i := range findings {
		if !emit(result{finding: &findings[i]}) {
			return errOdd
		}
	}
	ranges := cut(suspects, from, m.Segments)
	for r := range inOrder(ctx, len(ranges), rangesAtOnce, func(ctx context.Context, i int, emit emitter) {
		s.read(ctx, m, t, ranges[i], x, emit)
	}) {
		if !emit(r) {
			return errOdd
		}
		if r.err != nil && !isLost(r.err) {
			return errOdd
		}
	}
	return ctx.Err()
}

// cuts is into how many ranges an unbroken one is cut at most, to be read side
// by side.
const cuts = 64

// cut returns the ranges above an offset, cut where segments begin.
func cut(ranges []cover.Offsets, from int64, segments []cover.Candidate) []cover.Offsets {
	var out []cover.Offsets
	next, step := 0, len(segments)/cuts+1
	for _, o := range ranges {
		o.Base = max(o.Base, from)
		for ; next < len(segments) && segments[next].Base < o.Next; next += step {
			if at := segments[next].Base; at > o.Base {
				out = append(out, cover.Offsets{Base: o.Base, Next: at})
				o.Base = at
			}
		}
		if o.Base < o.Next {
			out = append(out, o)
		}
	}
	return out
}

// read yields the records of a range that have one of the keys.
func (s *search) read(ctx context.Context, m *cover.Map, t task, o cover.Offsets, x Index, emit emitter) {
	stats := cover.ReadStats{}
	defer func() { s.opened.Add(stats.Opened) }()
	options := cover.ReadOptions{
		From: o.Base, To: o.Next, Keys: t.keys, SkipBlock: s.outside, Ends: x, Stats: &stats,
		Report: func(f cover.Finding) { emit(result{finding: &f}) },
	}
	d := recordbatch.NewDecoder(0)
	for piece, err := range s.archive.ReadMap(ctx, m, options) {
		if err != nil {
			if !emit(result{err: err}) || !isLost(err) {
				return
			}
			continue
		}
		if !piece.IsControl() && !s.piece(t, piece, d, emit) {
			return
		}
	}
}

func (s *search) piece(t task, piece cover.Piece, d *recordbatch.Decoder, emit emitter) bool {
	if len(t.keys) > 0 && !piece.Mentions(d, t.holds) {
		return true
	}
	for rec, err := range piece.Records(d) {
		if err != nil {
			return emit(result{err: err})
		}
		if !t.holds(rec.Key) || !s.within(rec.Timestamp) || !s.meets(rec.Value) {
			continue
		}
		if !emit(result{hit: Hit{Partition: t.partition, Record: cover.CloneRecord(rec), LogAppendTime: piece.Header().LogAppendTime(), Origins: piece.Origins()}}) {
			return false
		}
	}
	return true
}

// outside leaves out a block that has no record within the time bounds.
func (s *search) outside(b segment.BlockInfo) bool {
	if b.Records == 0 {
		return true
	}
	if !s.options.From.IsZero() && b.MaxTimestamp < s.options.From.UnixMilli() {
		return true
	}
	// A lowest timestamp that is not known is below every bound.
	return !s.options.To.IsZero() && b.MinTimestamp > s.options.To.UnixMilli()
}

// within applies the bounds in whole milliseconds.
func (s *search) within(timestamp int64) bool {
	if !s.options.From.IsZero() && timestamp < s.options.From.UnixMilli() {
		return false
	}
	return s.options.To.IsZero() || timestamp <= s.options.To.UnixMilli()
}
