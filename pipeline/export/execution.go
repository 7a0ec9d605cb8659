package export

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// execution is one run of an export into a directory.
type execution struct {
	folder  *folder
	source  restore.Source
	options Options
	limiter *rate.Limiter

	mu       sync.Mutex
	progress restore.Progress
}

// run writes all partitions and the manifest. It owns their goroutines: they
// have ended when it returns. The first lane that fails stops the others.
func (x *execution) run(ctx context.Context) (Result, error) {
	lanes := x.lanes()
	kept := 0
	for _, files := range x.folder.finished {
		kept += len(files)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(x.options.Parallel)
	for _, l := range lanes {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := l.run(ctx)
			if err == nil {
				x.report(func(p *restore.Progress) { p.Done++ })
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Result{}, err
	}
	m := newManifest(x.folder.plan, x.options.Format)
	for _, l := range lanes {
		m.add(l.part)
	}
	return Result{Manifest: m, Kept: kept}, x.folder.finish(m)
}

func (x *execution) lanes() []*lane {
	var lanes []*lane
	for _, t := range x.folder.plan.Topics {
		for _, p := range t.Partitions {
			l := &lane{execution: x, place: place{t.Into, p.Number}, part: newPartition(t, p), decoder: recordbatch.NewDecoder(0)}
			for _, file := range x.folder.finished[l.place] {
				l.part.keep(file)
			}
			x.progress.Records += l.part.Records
			x.progress.MaxRecords += p.MaxRecords
			x.progress.Partitions++
			lanes = append(lanes, l)
		}
	}
	return lanes
}

func (x *execution) wrote(records, bytes int64) {
	x.report(func(p *restore.Progress) {
		p.Records += records
		p.Bytes += bytes
	})
}

func (x *execution) report(change func(*restore.Progress)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change(&x.progress)
	x.options.Progress(x.progress)
}
