package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/groups"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// brought is what a finished restore reports.
type brought struct {
	restore.Result
	Groups *groups.Plan `json:"groups,omitempty"`
	// RollbackFile keeps what the groups had on the target before.
	RollbackFile string `json:"groups_rollback_file,omitempty"`
	// Read tells what each region gave.
	Read []cover.Use `json:"read"`
}

// bring executes the plan in this order:
//
//	plan file → schemas → records → access rules → consumer groups → settings → forget both files
//
// After a crash at any arrow the same command goes on: every step finds what it
// has done. Groups come when all that they will read is there, and settings
// last, since they may delete some of it.
func (r *restoring) bring(ctx context.Context, plan *keptPlan) error {
	if err := plan.keep(r.beside()); err != nil {
		return err
	}
	if err := r.bringSchemas(ctx, plan); err != nil {
		return err
	}
	result, err := r.records(ctx, plan)
	if err != nil {
		return err
	}
	if err := r.bringACLs(ctx, plan); err != nil {
		return fmt.Errorf("all records are back: %w", err)
	}
	rollback, err := r.bringGroups(ctx, plan)
	if err != nil {
		return fmt.Errorf("all records are back, but no consumer group is where it was: %w; run the same command again, or with --groups=false", err)
	}
	done := brought{Result: result, Groups: plan.Groups, RollbackFile: rollback, Read: r.archive.Cover.Use()}
	if plan.Settings {
		if err := restore.ApplySettings(ctx, plan.Plan, kadm.NewClient(r.client)); err != nil {
			return err
		}
	}
	if err := r.forget(); err != nil {
		return err
	}
	return r.app.print(r.cmd, done, func(w io.Writer) error { return done.write(w) })
}

// records brings the records back.
func (r *restoring) records(ctx context.Context, plan *keptPlan) (restore.Result, error) {
	line := r.app.progress(r.cmd, "restore")
	defer line.Done()
	pace := pace{begun: time.Now()}
	result, err := restore.Execute(ctx, plan.Plan, r.source, r.client, restore.Options{
		StateFile: r.state, MaxRate: int64(r.maxRate), Logger: r.app.log,
		Progress: func(p restore.Progress) {
			line.Update("%d of at most %d records%s, %d of %d partitions done", p.Records, p.MaxRecords, pace.of(p), p.Done, p.Partitions)
		},
	})
	line.Done()
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(r.cmd.ErrOrStderr(), pace.interrupted())
	}
	return result, err
}

// rollbackIn is the file that keeps what the groups had before.
func (r *restoring) rollbackIn() string {
	if r.rollbackFile != "" {
		return r.rollbackFile
	}
	return r.state + ".groups-before"
}

// forget removes what an interrupted restore goes on from: the next of this kind
// begins anew.
func (r *restoring) forget() error {
	for _, file := range []string{r.beside(), r.state} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove state of the finished restore: %w", err)
		}
	}
	return nil
}

// pace tells how fast a restore is, and how long it will take.
type pace struct {
	begun time.Time

	mu    sync.Mutex
	first int64 // records that were there at the first report
	last  restore.Progress
}

// of returns the rate since the start, and how long the rest takes at that rate.
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
	return fmt.Sprintf(", %.0f/s, %s/s, %s left at most", rate, ui.Bytes(int64(float64(now.Bytes)/seconds)), left.Round(time.Second))
}

// interrupted says how to go on.
func (p *pace) interrupted() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%d of at most %d records are back, %d of %d partitions are done; the same command goes on from there",
		p.last.Records, p.last.MaxRecords, p.last.Done, p.last.Partitions)
}

func (b *brought) write(w io.Writer) error {
	t := ui.NewTable(w, "topic", "into", "partition", "records", "bytes", "first offset", "last offset", "gaps")
	for _, p := range b.Partitions {
		t.Row(p.From, p.Into, p.Number, p.Records, ui.Bytes(p.Bytes), p.FirstOffset, p.LastOffset, len(p.Gaps))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s came back.\n", plural(int(b.Records), "record"))
	for _, u := range b.Read {
		fmt.Fprintf(w, "region %s gave %s in %s; %s and %s went to it for another region\n", u.Region, ui.Bytes(u.Bytes),
			plural(int(u.Reads), "read"), plural(int(u.Failovers), "fail-over"), plural(int(u.Hedges), "hedged read"))
	}
	if b.Groups == nil {
		return nil
	}
	if err := writeGroupPlan(w, b.Groups); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s where they were; tidemark restore --rollback-groups %s undoes it.\n", plural(len(b.Groups.Groups), "consumer group"), b.RollbackFile)
	return err
}
