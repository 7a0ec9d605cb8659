package load

import (
	"fmt"
	"math"
	"math/rand/v2"
)

const (
	// sampleEvents are enough for the average to settle: an order's size has
	// a long tail.
	sampleEvents = 20_000
	// fitRounds bring the average size within a percent although values
	// have limits below and above.
	fitRounds = 6
	// ratioBatches are compressed to see a ratio, ratioSteps times.
	ratioBatches = 4
	ratioSteps   = 14
	// closeEnough is how far a ratio may be from the one that was asked for.
	closeEnough = 0.05
)

// fit finds the shape that makes events of the size and the compressibility
// that were asked for.
func fit(s *source, o Options) error {
	w := o.Workload
	if w.EventBytes > 0 {
		s.fitSize(w.EventBytes)
	}
	if w.Ratio == 0 || w.Ratio == 1 && w.Codec == "none" {
		return nil
	}
	return s.fitRatio(o)
}

// fitSize scales what comes by nature.
func (s *source) fitSize(want int) {
	sample := make([]event, sampleEvents)
	for i := range sample {
		sample[i] = s.raw()
	}
	s.shape.limit = maxTail * want
	for range fitRounds {
		s.shape.scale = float64(want) / s.shape.mean(sample) * or(s.shape.scale, 1)
	}
}

// mean is the average size of events with this shape.
func (s *shape) mean(events []event) float64 {
	sum := 0
	for _, e := range events {
		sum += len(e.key) + s.length(e)
	}
	return float64(sum) / float64(len(events))
}

// fitRatio finds the share of noise by bisection: more noise compresses less.
func (s *source) fitRatio(o Options) error {
	n := max(ratioBatches*o.Workload.BatchEvents, 500)
	sample := make([]event, n)
	for i := range sample {
		sample[i] = s.raw()
	}
	low, high := -0.95, 0.95
	for range ratioSteps {
		s.shape.random = (low + high) / 2
		r, err := s.ratioOf(sample, o)
		if err != nil {
			return err
		}
		if r > o.Workload.Ratio {
			low = s.shape.random
		} else {
			high = s.shape.random
		}
	}
	r, err := s.ratioOf(sample, o)
	if err == nil && math.Abs(r/o.Workload.Ratio-1) > closeEnough {
		err = fmt.Errorf("a compression ratio of %g is out of reach with %s: the nearest is %.2f", o.Workload.Ratio, codecForRatio(o), r)
	}
	return err
}

// ratioOf is the ratio of a sample with the shape at hand.
func (s *source) ratioOf(sample []event, o Options) (float64, error) {
	rng := s.shape.rng
	defer func() { s.shape.rng = rng }()
	s.shape.rng = rand.New(rand.NewPCG(o.Seed, 4)) // the same noise each time
	e := encoder{codec: codecForRatio(o)}
	var sum totals
	for i := 0; i < len(sample); i += o.Workload.BatchEvents {
		var batch []event
		for _, raw := range sample[i:min(i+o.Workload.BatchEvents, len(sample))] {
			batch = append(batch, s.shape.apply(raw))
		}
		t, err := e.encode(batch, -1)
		if err != nil {
			return 0, err
		}
		sum.plain += t.plain
		sum.wire += int64(len(t.batch))
	}
	return sum.ratio(), nil
}
