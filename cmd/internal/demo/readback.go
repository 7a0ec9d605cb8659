package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// readRegions reads each region by itself, as if the other had never been, and
// compares it with the ledger.
func (d *demo) readRegions(ctx context.Context) error {
	d.say.step("comparing every record in both regions with the ledger")
	cfg, err := config.Load(d.space.config, nil)
	if err != nil {
		return err
	}
	archive, err := wire.Open(ctx, cfg, slog.New(slog.DiscardHandler), wire.ForProof)
	if err != nil {
		return err
	}
	found := make([]events.Findings, len(archive.Regions))
	group, gctx := errgroup.WithContext(ctx)
	for i, r := range archive.Regions {
		group.Go(func() error {
			alone, err := cover.New(archive.Trust, []cover.Region{r.Cover()})
			if err != nil {
				return err
			}
			found[i], err = d.readRegion(gctx, alone)
			return err
		})
	}
	if err := errors.Join(group.Wait(), archive.Close()); err != nil {
		return err
	}
	for i, r := range archive.Regions {
		d.report.compared("region "+r.Name, found[i])
	}
	return d.measure()
}

func (d *demo) readRegion(ctx context.Context, a *cover.Archive) (events.Findings, error) {
	var sum events.Findings
	for _, at := range d.ledger.Places() {
		f, err := d.readPartition(ctx, a, at)
		if err != nil {
			return sum, fmt.Errorf("read %s of region %s: %w", at, a.Regions()[0], err)
		}
		sum.Add(f)
	}
	return sum, nil
}

// readPartition takes the records of every lineage of a partition; there should
// be one.
func (d *demo) readPartition(ctx context.Context, a *cover.Archive, at events.Place) (events.Findings, error) {
	check, decoder := d.ledger.CheckByOffset(at), recordbatch.NewDecoder(0)
	all, err := a.Partitions(ctx, at.Topic)
	if err != nil {
		return events.Findings{}, err
	}
	for _, p := range all {
		if p.Number != at.Partition {
			continue
		}
		for piece, err := range a.Read(ctx, p, cover.ReadOptions{}) {
			if lost := (*cover.LostError)(nil); errors.As(err, &lost) {
				continue // the ledger knows what it was
			}
			if err == nil && !piece.IsControl() {
				err = takeAll(check, piece, decoder)
			}
			if err != nil {
				return events.Findings{}, err
			}
		}
	}
	return check.Finish(), nil
}

func takeAll(check *events.Check, piece cover.Piece, decoder *recordbatch.Decoder) error {
	for r, err := range piece.Records(decoder) {
		if err != nil {
			return err
		}
		check.Take(r)
	}
	return nil
}
