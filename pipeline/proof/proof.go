// Package proof makes the file that proves one record of an archive to an
// auditor who has nothing else of it. Package codec/proof says what is in it,
// and checks it.
package proof

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/proof"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Make proves the record at an offset from a segment that holds it, by the
// first region whose copy counts. What it returns was checked with the pins of
// trust.
func Make(ctx context.Context, a *cover.Archive, trust *signed.Trust, name names.Range, offset int64) ([]byte, error) {
	var errs []error
	for _, region := range a.Regions() {
		file, err := makeIn(ctx, a, region, name, offset)
		if err == nil {
			_, err = proof.Verify(file, trust.Archive(), trust.Root())
		}
		if err == nil {
			return file, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		errs = append(errs, fmt.Errorf("region %s: %w", region, err))
	}
	return nil, fmt.Errorf("prove offset %d of %s: %w", offset, name.Partition, errors.Join(errs...))
}

func makeIn(ctx context.Context, a *cover.Archive, region string, name names.Range, offset int64) ([]byte, error) {
	o, err := a.Verify(ctx, region, name)
	if err != nil {
		return nil, err
	}
	if o.Segment == nil {
		return nil, fmt.Errorf("%s holds no records", name)
	}
	n := blockOf(o.Segment.Footer(), offset)
	if n < 0 {
		return nil, fmt.Errorf("no block of %s covers offset %d", name, offset)
	}
	x, err := o.Segment.Extract(n, o.Secret)
	if err != nil {
		return nil, err
	}
	signer, err := a.SignerFile(ctx, o.Segment.Signer())
	if err != nil {
		return nil, err
	}
	return proof.Encode(proof.Parts{Extract: *x, Signer: signer, Offset: offset}), nil
}

// blockOf returns the block that covers an offset, -1 if none does.
func blockOf(f segment.Footer, offset int64) int {
	for n, b := range f.Blocks {
		if offset >= b.Base && offset < b.Next {
			return n
		}
	}
	return -1
}
