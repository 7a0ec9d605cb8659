package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

// Options of a Runner.
type Options struct {
	// Program is the tidemark program to measure. Its hidden verbs `bench load`
	// and `bench floor` run [Load] and [RunFloor].
	Program string
	// Dir is an empty directory for configurations, logs and state.
	Dir string
	// Run is a name for what this run makes in places that others may use too:
	// topics, groups and prefixes begin with it.
	Run string
	// Servers gives the servers for a point: the embedded ones, or those of the
	// run. It may start them at the first call. They are not closed here.
	Servers func(ctx context.Context, embedded bool) (*Servers, error)
	// Defaults stand in for settings that a point leaves out.
	Defaults report.Settings
	// Busy is how much of the machine's CPU time others may take before a point
	// is not valid: 0.1 by default, 1 for any.
	Busy float64
	// Keep leaves topics and archives of the last points where they are.
	Keep bool
	// Say is told how far the run is, a line at a time.
	Say io.Writer
	// Landed is called when a point's data is in the regions and before it is
	// counted. Tests damage it there.
	Landed func(ctx context.Context, a *Archive) error
}

// busyByDefault of the CPU time may go to others before a point is worth
// nothing.
const busyByDefault = 0.1

// Runner carries points out, one at a time. It keeps the last topic and the
// last archive for the next point.
type Runner struct {
	opts    Options
	topic   *topic
	archive *archive
	count   int
}

// NewRunner returns a runner that has started nothing.
func NewRunner(o Options) *Runner {
	if o.Busy == 0 {
		o.Busy = busyByDefault
	}
	return &Runner{opts: o}
}

// Run carries out the points and hands each to done. A point that fails has a
// verdict that says why, and the next one runs; the error is ctx's, that of
// done, or that of servers that cannot be had. What was made is removed before it returns, unless Keep is set.
func (r *Runner) Run(ctx context.Context, points []Spec, done func(report.Point) error) (err error) {
	defer func() {
		if !r.opts.Keep {
			err = errors.Join(err, r.clear(context.WithoutCancel(ctx)))
		}
	}()
	for i, s := range points {
		r.say("%d of %d: %s", i+1, len(points), s.Name)
		servers, err := r.opts.Servers(ctx, s.Embedded)
		if err != nil {
			return fmt.Errorf("servers for %s: %w", s.Name, err)
		}
		p := r.point(ctx, s, servers)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.say("  %s", summary(p))
		if err := done(p); err != nil {
			return err
		}
	}
	return nil
}

// job is a point while it is measured.
type job struct {
	spec    Spec
	servers *Servers
	dir     string
	// name is the point's own: of its directory, its group and its archive.
	name    string
	point   report.Point
	verdict verdict
}

// verdict collects the rules that a point broke.
type verdict []string

func (v *verdict) breaks(format string, args ...any) { *v = append(*v, fmt.Sprintf(format, args...)) }

func (v verdict) String() string {
	if len(v) == 0 {
		return report.Valid
	}
	return strings.Join(v, "; ")
}

// point measures one point.
func (r *Runner) point(ctx context.Context, s Spec, servers *Servers) report.Point {
	s.Settings = r.withDefaults(s.Settings)
	j := &job{spec: s, servers: servers, point: report.Point{
		Name: s.Name, Kind: s.Kind, Workload: s.Workload, Settings: s.Settings, Started: time.Now().UTC(),
	}}
	if err := r.measure(ctx, j); err != nil {
		j.verdict.breaks("%v", err)
	}
	j.point.Verdict = j.verdict.String()
	return j.point
}

func (r *Runner) measure(ctx context.Context, j *job) error {
	r.count++
	j.name = fmt.Sprintf("%s-%d", r.opts.Run, r.count)
	j.dir = filepath.Join(r.opts.Dir, j.name)
	if err := os.MkdirAll(j.dir, 0o750); err != nil {
		return fmt.Errorf("make directory of the point: %w", err)
	}
	switch j.spec.Kind {
	case report.Backlog:
		return r.backlog(ctx, j)
	case report.Live:
		return r.live(ctx, j)
	case report.Fetch, report.Floor:
		return r.floor(ctx, j)
	case report.Restore, report.Cat, report.Verify, report.Find:
		return r.wayBack(ctx, j)
	}
	return fmt.Errorf("kind %q: nothing measures it", j.spec.Kind)
}

// withDefaults fills in what the point leaves out.
func (r *Runner) withDefaults(s report.Settings) report.Settings {
	d := r.opts.Defaults
	s.SegmentSize = orDefault(s.SegmentSize, d.SegmentSize)
	s.SegmentAge = orDefault(s.SegmentAge, d.SegmentAge)
	s.Memory = orDefault(s.Memory, d.Memory)
	s.Compression = orDefault(s.Compression, d.Compression)
	s.Brokers = orDefault(s.Brokers, 1)
	s.Instances = orDefault(s.Instances, 1)
	return s
}

func orDefault[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

func (r *Runner) say(format string, args ...any) {
	if r.opts.Say != nil {
		fmt.Fprintf(r.opts.Say, format+"\n", args...)
	}
}

// summary is a point in one line.
func summary(p report.Point) string {
	if p.Events == 0 {
		return p.Verdict
	}
	return fmt.Sprintf("%.0f events/s, %.2f µs of CPU an event, peak %d MiB: %s", p.PerSecond(), p.ProgramCPU(), p.PeakRSS()>>20, p.Verdict)
}
