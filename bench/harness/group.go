package harness

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// pollEvery is how often something is asked that is waited for.
const pollEvery = 200 * time.Millisecond

// awaitGroup waits until the archiver's group is stable at the broker, and so
// the archiver owns all partitions.
func awaitGroup(ctx context.Context, j *job, archiver *child) error {
	client, err := kgo.NewClient(j.servers.Client...)
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	return await(ctx, archiver, joinWait, func() (bool, error) {
		groups, err := admin.DescribeGroups(ctx, j.name)
		if err != nil {
			return false, nil // the coordinator may be loading
		}
		g := groups[j.name]
		return g.State == "Stable" && len(g.Members) > 0, nil
	})
}

var errPatience = errors.New("it took too long")

// await asks until the answer is yes, the process has ended or patience has.
func await(ctx context.Context, c *child, patience time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := ask(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-c.ended:
			return errors.Join(errors.New("the process ended"), c.err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
