package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

const (
	// joinWait is how long an archiver may take to join its group.
	joinWait = 2 * time.Minute
	// tailWait is how long after the last event the tails may take to reach it,
	// beside the segments' age.
	tailWait = time.Minute
	// heldShare of the rate that was asked for is enough for a generator.
	heldShare = 0.99
)

// live produces and archives at once. The archiver joins its group first; then
// the generator begins, and with it the account. The account ends when the
// tails of both regions have reached the last event.
func (r *Runner) live(ctx context.Context, j *job) (err error) {
	if err := r.newTopic(ctx, j); err != nil {
		return err
	}
	t := r.topic
	g, err := r.generator(ctx, j, t)
	if err != nil {
		return err
	}
	a, err := r.found(ctx, j, t.name)
	if err != nil {
		return errors.Join(err, g.stop())
	}
	asked, stop := j.watchRequests(a)
	defer stop()
	archiver, err := r.start(ctx, j, "archive", nil, nil, "archive", "-c", a.file)
	if err != nil {
		return errors.Join(err, g.stop())
	}
	if err := r.both(ctx, j, t, a, g, archiver); err != nil {
		return errors.Join(err, g.stop(), archiver.stop())
	}
	stop()
	j.point.Requests, a.complete = asked.total(), true
	j.describe(t)
	j.checkRate(t.ledger.Result.Rate)
	return r.countLanded(ctx, j, t, a)
}

// both runs generator and archiver to their ends and accounts for them.
func (r *Runner) both(ctx context.Context, j *job, t *topic, a *archive, g *generator, archiver *child) error {
	if err := awaitGroup(ctx, j, archiver); err != nil {
		return fmt.Errorf("wait for the archiver to join: %w", err)
	}
	watch, err := openTails(ctx, j, t, a)
	if err != nil {
		return err
	}
	defer watch.close()
	watched := append(j.servers.Processes[:len(j.servers.Processes):len(j.servers.Processes)], Watched{programName, archiver.cmd.Process.Pid})
	account, err := openAccount(watched)
	if err != nil {
		return err
	}
	own, began := ownUsage(), time.Now()
	watch.start(ctx)
	if t.ledger, err = g.produce(); err != nil {
		return err
	}
	patience := time.Duration(j.spec.Settings.SegmentAge*float64(time.Second)) + tailWait
	if err := watch.reach(ctx, t.ledger, archiver, patience); err != nil {
		j.verdict.breaks("%v", err)
	}
	j.point.Seconds = liveSeconds(time.Since(began), t.ledger.Result.Ended.Sub(began), j.spec.Settings.SegmentAge)
	spent, err := account.close()
	if err != nil {
		return err
	}
	j.point.TailAge, j.point.Lag = watch.spreads(t.ledger)
	if err := archiver.stop(); err != nil {
		j.verdict.breaks("%v", err)
	}
	j.point.Processes = add(spent.processes, generatorName, g.usage())
	r.checkOthers(j, spent, ownUsage()-own)
	return nil
}

// liveSeconds is the time of a live point: that of the generator, and what the
// archiver took longer than a segment's age to finish. A segment that waits to
// come of age is not behind; how old that makes a tail is a figure of its own.
func liveSeconds(whole, produced time.Duration, age float64) float64 {
	return produced.Seconds() + max((whole-produced).Seconds()-age, 0)
}

// checkRate breaks the point for a generator that did not do what it was asked
// for: a live figure without its rate is one of another workload.
func (j *job) checkRate(rate report.Rate) {
	j.point.Generator = &rate
	if rate.Held < heldShare*rate.Asked {
		j.verdict.breaks("the generator held %.0f of %.0f events/s", rate.Held, rate.Asked)
	}
}
