package restore

import (
	"context"
	"fmt"
)

// confirm compares the target's end offsets with the records that came back:
// the last word belongs to the target, not to the answers that were counted. A
// new leader may tell an older end for a moment.
func (x *execution) confirm(ctx context.Context, lanes []*lane) error {
	ctx, cancel := context.WithTimeoutCause(ctx, x.options.StallTimeout, ErrStalled)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		behind, err := x.behind(ctx, lanes)
		if err == nil && behind == nil {
			return nil
		}
		if err != nil && ctx.Err() == nil && !retriable(err) {
			return err
		}
		if wait(ctx, pause) != nil {
			if behind != nil {
				err = fmt.Errorf("target topic %s partition %d holds fewer than the %d records that it acknowledged", behind.Into, behind.Number, behind.Records)
			}
			return fmt.Errorf("confirm restore: %w (last answer: %w)", context.Cause(ctx), err)
		}
	}
}

// behind returns a partition whose end offset is too low, nil if there is none.
func (x *execution) behind(ctx context.Context, lanes []*lane) (*PartitionResult, error) {
	ends := map[string]map[int32]int64{}
	for _, t := range x.plan.Topics {
		found, err := x.target.offsets(ctx, t.Into, t.PartitionCount, latestOffset)
		if err != nil {
			return nil, err
		}
		ends[t.Into] = found
	}
	for _, l := range lanes {
		end := ends[l.result.Into][l.result.Number]
		if end > l.result.Records {
			return nil, &ForeignWriteError{Topic: l.result.Into, Partition: l.result.Number, Want: l.result.Records, Got: end}
		}
		if end < l.result.Records {
			return &l.result, nil
		}
	}
	return nil, nil
}
