package wire

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/drill"
	"github.com/tidemark-io/tidemark/pipeline/telemetry"
)

// drillLoop drills from time to time, if the configuration says so. Every member
// of the group runs it, for the metrics; one drills.
func (a *Archive) drillLoop(x *Archiver, signer *signed.Signer) Loop {
	l := Loop{Name: "drill"}
	if a.Config.Drill.Every == 0 {
		return l
	}
	s := &scheduled{archive: a, archiver: x, signer: signer, metrics: telemetry.NewDrill(a.Registry)}
	schedule := drill.Schedule{Every: a.Config.Drill.Every.Std(), Leads: x.Leads, Last: s.last, Drill: s.drill, Logger: a.Log}
	l.Run = schedule.Run
	return l
}

// scheduled makes the drills of a schedule. One goroutine owns it.
type scheduled struct {
	archive  *Archive
	archiver *Archiver
	signer   *signed.Signer
	metrics  *telemetry.Drill

	seen names.Document // the newest that the metrics know of
}

// skewed is how far ahead another member's clock may be. A name with a later
// time is not believed: it would keep drills from being made.
const skewed = time.Hour

// last finds the newest drill that is genuine, whoever made it.
func (s *scheduled) last(ctx context.Context) (time.Time, error) {
	every := s.archive.Config.Drill.Every.Std()
	found, down, err := documents.Newest(ctx, s.archive.Cover, names.FolderDrills, time.Now().Add(skewed), 3*every)
	if err == nil && len(found) == 0 && len(down) > 0 {
		err = fmt.Errorf("no drill is known, and not every region answers: %v", down)
	}
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range slices.Backward(found) {
		if e.Document == s.seen || s.take(ctx, e) {
			return e.At, nil
		}
	}
	return time.Time{}, ctx.Err()
}

// take reads a drill for the metrics. One that is not genuine is passed over:
// who can write to a region must not be able to stop drills.
func (s *scheduled) take(ctx context.Context, e documents.Entry) bool {
	var r drill.Result
	if err := documents.Read(ctx, s.archive.Cover, e, &r); err != nil {
		s.archive.Log.Warn("the result of a drill does not count", "result", e.String(), "error", err)
		return false
	}
	s.metrics.Seen(&r)
	s.seen = e.Document
	return true
}

// drill makes one drill with stores of its own: it reads as a restore would, and
// its patience is not an archiver's.
func (s *scheduled) drill(ctx context.Context) error {
	err := s.make(ctx)
	if err != nil && ctx.Err() == nil {
		s.metrics.Failed()
	}
	return err
}

func (s *scheduled) make(ctx context.Context) error {
	a, err := Open(ctx, s.archive.Config, s.archive.Log, ForReading)
	if err != nil {
		return err
	}
	defer a.Close()
	d, err := a.NewDrill(ctx, DrillChoice{Drill: a.Config.Drill})
	if err != nil {
		return err
	}
	defer d.Close()
	// Archiving comes first: one partition at a time, and not too fast.
	d.Options.Parallel, d.Options.MaxRate = 1, int64(a.Config.Drill.MaxRate)
	d.Options.Scheduled, d.Options.Program = true, s.archiver.Program
	a.Log.Info("drill begins", "topics", len(d.Options.Topics), "sample", a.Config.Drill.Sample, "without_region", d.Options.Without)
	r, err := d.Run(ctx)
	if err != nil {
		return err
	}
	s.metrics.Seen(r)
	s.log(r)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepLimit)
	defer cancel()
	_, err = a.KeepDrill(ctx, s.signer, r)
	return err
}

// log tells of a drill, loudly if it did not pass.
func (s *scheduled) log(r *drill.Result) {
	args := []any{"outcome", r.Outcome, "records", r.Totals.Records, "compared", r.Compared(), "first_record_ms", r.Recovery.FirstMS,
		"recovery_point_ms", r.Point.MaxMS, "recovery_point_measured", r.Point.Measured}
	if err := r.Err(); err != nil {
		s.archive.Log.Error("drill did not pass", append(args, "error", err)...)
		for _, f := range r.Findings {
			s.archive.Log.Error("found by a drill", "kind", f.Kind, "region", f.Region, "object", f.Object, "partition", f.Partition, "offsets", f.Offsets, "detail", f.Detail, "advice", f.Advice)
		}
		return
	}
	s.archive.Log.Info("drill passed", args...)
}
