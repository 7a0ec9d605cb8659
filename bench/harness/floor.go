package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidemark-io/tidemark/bench/floor"
	"github.com/tidemark-io/tidemark/bench/report"
)

// floor measures the cheapest program for the archiver's job on the point's
// topic. What it stores goes to the places of an archive of its own.
func (r *Runner) floor(ctx context.Context, j *job) error {
	t, err := r.load(ctx, j)
	if err != nil {
		return err
	}
	a, err := r.found(ctx, j, t.name)
	if err != nil {
		return err
	}
	args := []string{"bench", "floor", "-c", a.file}
	if j.spec.Kind == report.Floor {
		args = append(args, "--seal")
	}
	var out bytes.Buffer
	if err := r.run(ctx, j, floorName, nil, &out, args...); err != nil {
		return err
	}
	var got floor.Result
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		return fmt.Errorf("read what the floor said: %w", err)
	}
	j.came(t, got.Events)
	return r.countFloor(ctx, j, a, got)
}

// came notes that so many events of the topic were read, or came back.
func (j *job) came(t *topic, events int64) {
	expected := t.ledger.Events()
	j.point.Events = events
	j.point.Check = &report.Check{Expected: expected, Lost: max(expected-events, 0), Twice: max(events-expected, 0)}
	j.share(t)
	j.checkLoss()
}

// share notes the bytes of the point's events.
func (j *job) share(t *topic) {
	if expected := t.ledger.Events(); expected > 0 {
		share := float64(j.point.Events) / float64(expected)
		j.point.Bytes, j.point.Wire = int64(float64(t.ledger.Result.Bytes)*share), int64(float64(t.ledger.Result.Wire)*share)
	}
}

// checkLoss breaks the point for events that are lost, doubled or changed.
func (j *job) checkLoss() {
	c := j.point.Check
	if c.Lost > 0 {
		j.verdict.breaks("%d of %d events are lost", c.Lost, c.Expected)
	}
	if c.Twice > 0 {
		j.verdict.breaks("%d events are there twice", c.Twice)
	}
	if c.Changed > 0 {
		j.verdict.breaks("%d events are not as they were produced", c.Changed)
	}
}

// countFloor compares what the floor says that it stored with what the stores
// list.
func (r *Runner) countFloor(ctx context.Context, j *job, a *archive, got floor.Result) error {
	opened, err := a.servers.Open(ctx, a.file)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	defer opened.Close()
	for _, region := range opened.Regions {
		listed, err := list(ctx, region, "floor/")
		if err != nil {
			return fmt.Errorf("count region %s: %w", region.Name, err)
		}
		if listed.Objects != got.Objects || listed.Bytes != got.Stored {
			j.verdict.breaks("region %s lists %d objects of %d bytes and the floor stored %d of %d", region.Name, listed.Objects, listed.Bytes, got.Objects, got.Stored)
		}
		if j.spec.Kind == report.Floor {
			j.point.Regions = append(j.point.Regions, listed)
		}
	}
	return nil
}
