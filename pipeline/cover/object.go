package cover

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// Object is a copy that counts: it verified in its region.
type Object struct {
	Name   names.Range
	Region string
	Info   object.Info
	// Digest stands for the whole object, Prev for what ends where it begins;
	// Prev is zero when its writer knew of nothing.
	Digest, Prev names.Digest
	// Segment reads a segment, by ranges, within the context given to Verify. It
	// is nil for a gap.
	Segment *segment.Reader
	// Secret opens the segment.
	Secret block.Secret
	// Gap is set for a gap.
	Gap *Gap
}

// Verify decides whether an object counts in a region: its signature verifies,
// it is the object of this name, its stored length and the store's CRC-32C (if
// it keeps one) are those it must have, and the key page with its secret is in
// that same region. The bodies of blocks are not read. Every error is a
// *CopyError.
func (a *Archive) Verify(ctx context.Context, region string, name names.Range) (*Object, error) {
	o, err := a.verify(ctx, region, name)
	if err != nil {
		return nil, &CopyError{Region: region, Object: name.String(), Err: err}
	}
	return o, nil
}

// VerifyAnywhere is Verify in the first region of a candidate where it counts.
// Header and footer of the Object's segment can be asked for; its blocks cannot be
// read, for its requests have ended.
func (a *Archive) VerifyAnywhere(ctx context.Context, c Candidate) (*Object, error) {
	o, by, errs := fromPlaces(ctx, a, c.Places, func(ctx context.Context, r *Region) (*Object, error) {
		return a.Verify(ctx, r.Name, c.Range)
	})
	if by < 0 {
		return nil, joined(ctx, errs)
	}
	return o, nil
}

func (a *Archive) verify(ctx context.Context, region string, name names.Range) (*Object, error) {
	r, err := a.region(region)
	if err != nil {
		return nil, err
	}
	info, err := r.Objects.Stat(ctx, name.String())
	if err != nil {
		return nil, err
	}
	o := &Object{Name: name, Region: region, Info: info}
	switch name.Kind {
	case names.KindSegment:
		return o, a.verifySegment(ctx, r, o)
	case names.KindGap:
		return o, a.verifyGap(ctx, r, o)
	}
	return nil, fmt.Errorf("objects of kind %q: %w", name.Kind, segment.ErrVersion)
}

func (a *Archive) verifySegment(ctx context.Context, r *Region, o *Object) error {
	s, err := a.openSegment(ctx, r, o.Name, &remote{ctx: ctx, ranges: a.alone(r, o.Name.String(), o.Info.Size)}, o.Info.Size)
	if err != nil {
		return err
	}
	if o.Info.HasCRC32C && o.Info.CRC32C != s.CRC32C() {
		return damaged("the store says CRC-32C %08x, the segment says %08x", o.Info.CRC32C, s.CRC32C())
	}
	if o.Secret, err = secretIn(ctx, r, s); err != nil {
		return err
	}
	o.Segment, o.Digest, o.Prev = s, s.Digest(), s.Footer().Prev
	return nil
}

func (a *Archive) verifyGap(ctx context.Context, r *Region, o *Object) error {
	gap, digest, err := a.readGap(ctx, r, o.Name)
	if err != nil {
		return err
	}
	o.Gap, o.Digest, o.Prev = &gap, digest, gap.Prev
	return nil
}

func (a *Archive) readGap(ctx context.Context, r *Region, name names.Range) (gap Gap, digest names.Digest, err error) {
	file, err := r.Objects.Get(ctx, name.String())
	if err != nil {
		return gap, digest, err
	}
	err = a.trusting(ctx, r, func() (err error) {
		gap, digest, err = OpenGap(name, file, a.trust)
		return err
	})
	return gap, digest, err
}

// openSegment opens a segment found under a name.
func (a *Archive) openSegment(ctx context.Context, r *Region, name names.Range, src io.ReaderAt, size int64) (*segment.Reader, error) {
	var s *segment.Reader
	err := a.trusting(ctx, r, func() (err error) {
		s, err = segment.Open(src, size, a.trust)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, s.CheckName(name.String())
}

// secretIn reads the secret of a segment from a region's key page.
func secretIn(ctx context.Context, r *Region, s *segment.Reader) (block.Secret, error) {
	h := s.Header()
	secret, err := r.Secrets.Secret(ctx, h.Page, h.Slot)
	if err != nil {
		return secret, &PageError{Region: r.Name, Page: h.Page, Slot: h.Slot, Err: err}
	}
	return secret, nil
}

// Load is Verify with the whole object in memory, up to limit bytes: its blocks
// are then read without a request. Like Verify it does not look at the bodies;
// Object.CheckBlocks does. A longer object stays where it is, and data is nil.
func (a *Archive) Load(ctx context.Context, region string, name names.Range, limit int64) (o *Object, data []byte, err error) {
	if o, err = a.Verify(ctx, region, name); err != nil {
		return nil, nil, err
	}
	if o.Info.Size > limit {
		return o, nil, nil
	}
	if data, err = a.load(ctx, o); err != nil {
		return nil, nil, &CopyError{Region: region, Object: name.String(), Err: err}
	}
	return o, data, nil
}

func (a *Archive) load(ctx context.Context, o *Object) ([]byte, error) {
	r, err := a.region(o.Region)
	if err != nil {
		return nil, err
	}
	data, err := r.Objects.Get(ctx, o.Name.String())
	if err != nil {
		return nil, err
	}
	if o.Gap != nil {
		_, _, err := OpenGap(o.Name, data, a.trust)
		return data, err
	}
	o.Segment, err = a.openSegment(ctx, r, o.Name, bytes.NewReader(data), int64(len(data)))
	return data, err
}
