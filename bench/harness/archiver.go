package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// The names of processes in a report.
const (
	programName   = "tidemark"
	generatorName = "generator"
	floorName     = "floor"
)

// removers remove objects side by side.
const removers = 16

// archive is an archive of this run.
type archive struct {
	configuration
	servers  *Servers
	dir      string
	topic    string
	workload report.Workload
	settings report.Settings
	complete bool // everything that is in the topic is in it
}

// found makes an empty archive of the point's own, after removing the last
// one: only one at a time takes space.
func (r *Runner) found(ctx context.Context, j *job, topic string) (*archive, error) {
	if err := r.removeArchive(ctx); err != nil {
		return nil, err
	}
	c, err := configure(j.dir, j.name, j.servers, topic, j.spec.Settings)
	if err != nil {
		return nil, err
	}
	a := &archive{configuration: c, servers: j.servers, dir: j.dir, topic: topic, workload: j.spec.Workload, settings: j.spec.Settings}
	init, err := r.start(ctx, j, "init", nil, nil, "init", "-c", a.file)
	if err != nil {
		return nil, err
	}
	if err := init.wait(); err != nil {
		return nil, err
	}
	r.archive = a
	return a, nil
}

// start starts the program.
func (r *Runner) start(ctx context.Context, j *job, name string, in io.Reader, out io.Writer, args ...string) (*child, error) {
	return start(ctx, r.opts.Program, j.dir, name, in, out, environment(), args...)
}

// removeArchive removes what the last archive has in the regions.
func (r *Runner) removeArchive(ctx context.Context) error {
	a := r.archive
	if a == nil {
		return nil
	}
	opened, err := a.servers.Open(ctx, a.file)
	if err != nil {
		return fmt.Errorf("remove archive: %w", err)
	}
	defer opened.Close()
	for _, region := range opened.Regions {
		for _, store := range []objects.Store{region.Data, region.Keys} {
			if err := removeAll(ctx, store); err != nil {
				return fmt.Errorf("remove archive from region %s: %w", region.Name, err)
			}
		}
	}
	r.archive = nil
	for _, dir := range a.folders {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove archive: %w", err)
		}
	}
	return nil
}

// removeAll removes every version of everything below the store's prefix,
// which is the point's own.
func removeAll(ctx context.Context, store objects.Store) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(removers)
	for info, err := range store.List(ctx, "", "") {
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		group.Go(func() error { return removeObject(ctx, store, info.Key) })
	}
	return group.Wait()
}

func removeObject(ctx context.Context, store objects.Store, key string) error {
	for v, err := range store.Versions(ctx, key) {
		if err != nil {
			return err
		}
		if err := store.DeleteVersion(ctx, key, v.Version); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what the runner still has in Kafka, in the regions and in its
// directory.
func (r *Runner) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return errors.Join(r.removeArchive(ctx), r.removeTopic(ctx), os.RemoveAll(r.opts.Dir))
}

// backlog archives what is there.
func (r *Runner) backlog(ctx context.Context, j *job) error {
	t, err := r.load(ctx, j)
	if err != nil {
		return err
	}
	a, err := r.found(ctx, j, t.name)
	if err != nil {
		return err
	}
	if err := r.catchUp(ctx, j, a); err != nil {
		return err
	}
	a.complete = len(j.verdict) == 0
	return r.countLanded(ctx, j, t, a)
}

// catchUp runs the archiver until it has archived what is there, and accounts
// for it.
func (r *Runner) catchUp(ctx context.Context, j *job, a *archive) error {
	asked, stop := j.watchRequests(a)
	defer stop()
	if err := r.run(ctx, j, programName, nil, nil, "archive", "-c", a.file, "--until-caught-up"); err != nil {
		return err
	}
	stop()
	j.point.Requests = asked.total()
	return nil
}

// run runs the program to its end and accounts for it, for the servers and for
// the machine.
func (r *Runner) run(ctx context.Context, j *job, name string, in io.Reader, out io.Writer, args ...string) error {
	account, err := openAccount(j.servers.Processes)
	if err != nil {
		return err
	}
	own := ownUsage()
	c, err := r.start(ctx, j, args[0], in, out, args...)
	if err != nil {
		return err
	}
	if err := c.wait(); err != nil {
		j.verdict.breaks("%v", err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	spent, err := account.close()
	if err != nil {
		return err
	}
	j.point.Seconds = c.at.Sub(c.started).Seconds()
	j.point.Processes = append(add(nil, name, c.usage()), spent.processes...)
	r.checkOthers(j, spent, ownUsage()-own)
	return nil
}

// checkOthers finds out how much of the machine went to processes that are not
// part of the point. own is what the harness itself took.
func (r *Runner) checkOthers(j *job, spent spending, own time.Duration) {
	all := spent.wall.Seconds() * float64(cores())
	others := spent.machine.Seconds() - total(j.point.Processes) - own.Seconds()
	if all > 0 && others/all > r.opts.Busy {
		j.verdict.breaks("other work took %.0f %% of the machine's CPU time", others/all*100)
	}
}
