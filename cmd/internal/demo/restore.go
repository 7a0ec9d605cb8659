package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
)

// restoredSuffix makes the name of the topic that a topic is restored to.
const restoredSuffix = ".restored"

// restore brings all topics back as they were at a moment in the middle, beside
// the first ones, and compares them with the ledger.
func (d *demo) restore(ctx context.Context) error {
	to := d.report.to.UTC().Format(time.RFC3339Nano)
	d.report.RestoredTo = to
	d.say.step("restoring to %s", to)
	args := []string{"--to", to, "--json"}
	for _, topic := range events.Topics() {
		args = append(args, "--topic", topic+"="+topic+restoredSuffix)
	}
	if _, err := d.tidemark(ctx, "restore", args...); err != nil {
		return err
	}
	d.say.step("comparing every restored record with the ledger")
	var sum events.Findings
	for _, at := range d.ledger.Places() {
		f, err := d.readRestored(ctx, at)
		if err != nil {
			return fmt.Errorf("read %s%s: %w", at.Topic, restoredSuffix, err)
		}
		sum.Add(f)
	}
	d.report.RestoredExpected, d.report.Restored = sum.Expected, sum.Matched
	d.report.compared("restored topics", sum)
	return nil
}

func (d *demo) readRestored(ctx context.Context, at events.Place) (events.Findings, error) {
	check := d.ledger.CheckByOrder(at, d.report.to.UnixMilli())
	err := d.broker.consume(ctx, at.Topic+restoredSuffix, at.Partition, check.Take)
	return check.Finish(), err
}
