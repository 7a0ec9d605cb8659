package cover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// settle answers for the offsets from pos up to an offset below which no batch
// comes any more: what no copy vouched for is a gap or is lost. The error is
// that of the context, or errStop.
func (s *sweep) settle(ctx context.Context, upTo int64, yield yieldFunc) error {
	if upTo <= s.pos {
		return ctx.Err()
	}
	for _, missing := range s.vouched.Missing(Offsets{s.pos, upTo}) {
		for _, lost := range s.explain(ctx, missing) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(Piece{}, s.lost(lost)) {
				return errStop
			}
		}
	}
	s.pos = upTo
	s.vouched.forget(upTo)
	s.failures = slices.DeleteFunc(s.failures, func(f failure) bool { return f.offsets.Next <= upTo })
	return ctx.Err()
}

func (s *sweep) lost(o Offsets) *LostError {
	e := &LostError{Partition: s.m.Partition, Offsets: o}
	for _, f := range s.failures {
		if !f.offsets.clip(o).empty() {
			e.Copies = append(e.Copies, f.errs...)
		}
	}
	return e
}

// explain returns what of a range no genuine gap explains.
func (s *sweep) explain(ctx context.Context, o Offsets) []Offsets {
	known := &Coverage{}
	for _, c := range s.gaps {
		part := c.Offsets().clip(o)
		if part.empty() {
			continue
		}
		gap, ok := s.genuine(ctx, c)
		if !ok {
			continue
		}
		known.Add(part)
		s.options.report(Finding{
			Kind: KindGap, Object: c.String(), Partition: c.Partition.String(), Offsets: &part,
			Detail: fmt.Sprintf("%s, noticed at %s", gap.Reason, gap.At.UTC().Format("2006-01-02T15:04:05Z")), Advice: KindGap.Advice(),
		})
	}
	return known.Missing(o)
}

// genuine reads a gap from the first region where it is signed.
func (s *sweep) genuine(ctx context.Context, c Candidate) (Gap, bool) {
	gap, by, errs := fromPlaces(ctx, s.archive, c.Places, func(ctx context.Context, r *Region) (Gap, error) {
		gap, _, err := s.archive.readGap(ctx, r, c.Range)
		return gap, err
	})
	for _, i := range slices.Sorted(maps.Keys(errs)) {
		e := &CopyError{Region: s.archive.regions[i].Name, Object: c.String(), Err: errs[i]}
		if !errors.Is(e.Err, errOvertaken) {
			s.report(c, e)
		}
		s.failures = append(s.failures, failure{c.Offsets(), []*CopyError{e}})
	}
	return gap, by >= 0
}
