package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// bring executes the plan: the records first, and what may delete some of them
// last.
func (r *restoring) bring(ctx context.Context, plan *restore.Plan) error {
	if err := r.records(ctx, plan); err != nil || !r.settings {
		return err
	}
	return restore.ApplySettings(ctx, plan, kadm.NewClient(r.client))
}

// records brings the records back.
func (r *restoring) records(ctx context.Context, plan *restore.Plan) error {
	line := r.app.progress(r.cmd, "restore")
	defer line.Done()
	pace := pace{begun: time.Now()}
	result, err := restore.Execute(ctx, plan, r.source, r.client, restore.Options{
		StateFile: r.state, MaxRate: int64(r.maxRate), Logger: r.app.log,
		Progress: func(p restore.Progress) {
			line.Update("%d of at most %d records%s, %d of %d partitions done", p.Records, p.MaxRecords, pace.of(p), p.Done, p.Partitions)
		},
	})
	line.Done()
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintf(r.cmd.ErrOrStderr(), "%d of at most %d records came back, %d of %d partitions are done; the same command goes on from there\n",
				pace.last.Records, pace.last.MaxRecords, pace.last.Done, pace.last.Partitions)
		}
		return err
	}
	if err := os.Remove(r.state); err != nil { // it is done: the next restore of this kind begins anew
		return fmt.Errorf("remove state of the finished restore: %w", err)
	}
	return r.app.print(r.cmd, result, func(w io.Writer) error { return writeResult(w, result) })
}

// pace tells how fast a restore is, and how long it will take.
type pace struct {
	begun time.Time

	mu    sync.Mutex
	first int64 // records that were there at the first report
	last  restore.Progress
}

// of returns the rate since the start and what is left at that rate.
func (p *pace) of(now restore.Progress) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == (restore.Progress{}) {
		p.first = now.Records
	}
	p.last = now
	seconds := time.Since(p.begun).Seconds()
	rate := float64(now.Records-p.first) / seconds
	if rate < 1 {
		return ""
	}
	left := time.Duration(float64(now.MaxRecords-now.Records) / rate * float64(time.Second))
	return fmt.Sprintf(", %.0f/s, %s/s, about %s left", rate, ui.Bytes(int64(float64(now.Bytes)/seconds)), left.Round(time.Second))
}

func writeResult(w io.Writer, r restore.Result) error {
	t := ui.NewTable(w, "topic", "into", "partition", "records", "bytes", "first offset", "last offset", "gaps")
	for _, p := range r.Partitions {
		t.Row(p.From, p.Into, p.Number, p.Records, ui.Bytes(p.Bytes), p.FirstOffset, p.LastOffset, len(p.Gaps))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s came back.\n", plural(int(r.Records), "record"))
	return err
}
