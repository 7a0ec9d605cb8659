package restore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ForeignWriteError reports a target partition into which somebody else writes.
type ForeignWriteError struct {
	Topic     string
	Partition int32
	// Want is the target offset that a batch had to get, Got the one that it
	// has or that holds something else.
	Want, Got int64
}

func (e *ForeignWriteError) Error() string {
	return fmt.Sprintf("target topic %s partition %d: offset %d was to be ours, found at %d: somebody else writes there: delete the topic, keep others out and begin again",
		e.Topic, e.Partition, e.Want, e.Got)
}

// ErrStalled reports a partition that got no helpful answer for too long.
// Running the restore again resumes it.
var ErrStalled = errors.New("the target gives no answer that helps; run again to resume")

// persist tries something at a partition's leader until it works, stalls, or
// cannot be mended by waiting.
func (x *execution) persist(ctx context.Context, p place, try func(ctx context.Context, broker int32) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, x.options.StallTimeout, ErrStalled)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		broker, seen := x.leaders.of(p)
		var err error = kerr.LeaderNotAvailable
		if broker != noLeader {
			err = try(ctx, broker)
		}
		if err == nil || ctx.Err() == nil && !retriable(err) {
			return err
		}
		x.logger.Debug("broker did not help", "topic", p.topic, "partition", p.partition, "broker", broker, "error", err)
		if wait(ctx, pause) != nil {
			return fmt.Errorf("%w (last answer: %w)", context.Cause(ctx), err)
		}
		if err := x.leaders.refresh(ctx, seen); err != nil {
			x.logger.Debug("metadata not refreshed", "topic", p.topic, "error", err)
		}
	}
}

// produce sends a batch, which may have been sent before, until it is in the
// target. The bytes, and so the sequence, are the same each time: the broker
// knows a batch that arrived although its answer did not. But it forgets
// producers by the times of their records (producer.id.expiration.ms), which
// are old here, at the latest when it is started again. So the log is looked at
// first.
func (l *lane) produce(ctx context.Context, item loaded) (receipt, error) {
	var got receipt
	err := l.persist(ctx, l.place, func(ctx context.Context, broker int32) error {
		if there, err := l.holds(ctx, broker, l.place, item); err != nil || there {
			got = receipt{base: -1}
			return err
		}
		got = l.sender.send(ctx, broker, l.shipment(item))
		return got.err
	})
	if err != nil {
		return got, l.explain(err, item)
	}
	return got, nil
}

// checkPlace compares the offset that the broker gave the batch with the number
// of records before it.
func (l *lane) checkPlace(r receipt, item loaded) error {
	if r.base >= 0 && r.base != item.base {
		return &ForeignWriteError{Topic: l.place.topic, Partition: l.place.partition, Want: item.base, Got: r.base}
	}
	return nil
}

// retriable is true for lost connections, lost leaders and slow replicas. A
// batch that the broker calls corrupt will be so the next time.
func retriable(err error) bool {
	var foreign *ForeignWriteError
	if errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, kerr.CorruptMessage) || errors.As(err, &foreign) {
		return false
	}
	var broker *kerr.Error
	return !errors.As(err, &broker) || broker.Retriable
}

func (l *lane) explain(err error, item loaded) error {
	switch {
	case errors.Is(err, kerr.OutOfOrderSequenceNumber):
		return fmt.Errorf("produce %d records at target offset %d: %w: an earlier run's last request arrived, another run is at work, or records were lost; run again to go on from what is there",
			item.count, item.base, err)
	case errors.Is(err, kerr.MessageTooLarge):
		return fmt.Errorf("produce %d records (%d bytes) at target offset %d: %w: raise max.message.bytes and run again",
			item.count, len(item.batch), item.base, err)
	}
	return fmt.Errorf("produce %d records at target offset %d: %w", item.count, item.base, err)
}

// wait sleeps for half to all of a pause, so that lanes do not come back all at
// once.
func wait(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause/2 + rand.N(pause/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
