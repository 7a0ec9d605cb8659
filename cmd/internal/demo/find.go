package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/bench/events"
)

// find looks one order up, and compares where its records are with what the
// load noted.
func (d *demo) find(ctx context.Context) error {
	key := string(d.report.sample.key)
	if key == "" {
		return errors.New("no order was created after the first quarter")
	}
	d.say.step("looking up order %s", key)
	out, err := d.tidemark(ctx, "find", "--topic", events.Orders, "--key", key, "--json")
	if err != nil {
		return err
	}
	offsets, err := foundOffsets(out, key)
	if err != nil {
		return fmt.Errorf("read what tidemark find printed: %w", err)
	}
	expected := d.report.sample.sorted()
	d.report.Order = OrderReport{Key: key, Expected: len(expected), Found: len(offsets)}
	if !slices.Equal(offsets, expected) {
		d.report.finding("find: order %s is at offsets %v, tidemark found %v", key, expected, offsets)
	}
	return nil
}

// foundOffsets reads the offsets of the records of a key from JSON lines. Lines
// about something else are passed over.
func foundOffsets(lines []byte, key string) ([]int64, error) {
	var offsets []int64
	for line := range bytes.Lines(lines) {
		var r struct {
			Offset *int64  `json:"offset"`
			Key    *string `json:"key"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		if r.Offset != nil && r.Key != nil && *r.Key == key {
			offsets = append(offsets, *r.Offset)
		}
	}
	slices.Sort(offsets)
	return offsets, nil
}
