package harness

import (
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/bench/report"
)

// spreadOf is the distribution of samples, nil of none. A percentile is the
// lowest sample that so many are not above (nearest rank).
func spreadOf(samples []float64) *report.Spread {
	if len(samples) == 0 {
		return nil
	}
	s := slices.Sorted(slices.Values(samples))
	rank := func(p float64) float64 { return s[max(int(math.Ceil(p*float64(len(s))))-1, 0)] }
	return &report.Spread{P50: rank(0.50), P99: rank(0.99), Max: s[len(s)-1], Samples: len(s)}
}
