package cover

import (
	"context"
	"io"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Objects returns what a region is read through.
func (a *Archive) Objects(region string) (Objects, error) {
	r, err := a.region(region)
	if err != nil {
		return nil, err
	}
	return r.Objects, nil
}

// Within is an object that verified, read from bytes that were fetched of it:
// it opens them as Verify would. Every error is a *CopyError.
func (a *Archive) Within(ctx context.Context, o *Object, src io.ReaderAt, size int64) (*Object, error) {
	r, err := a.region(o.Region)
	if err != nil {
		return nil, err
	}
	fetched := *o
	if fetched.Segment, err = a.openSegment(ctx, r, o.Name, src, size); err != nil {
		return nil, &CopyError{Region: o.Region, Object: o.Name.String(), Err: err}
	}
	return &fetched, nil
}

// Batch returns the one batch that a piece is, with the offsets of it that
// count; ok is false where several batches have to be merged.
func (p Piece) Batch() (b recordbatch.Batch, counts Offsets, ok bool) {
	if len(p.parts) > 1 {
		return b, counts, false
	}
	return p.parts[0].Batch, p.parts[0].window, true
}
