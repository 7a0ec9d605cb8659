package capacity

import (
	"math"
	"slices"
)

// trust is how much a prior counts beside one measurement: a measurement is
// right to a tenth or so, a prior to a factor of two or so, and the square of
// the one over the other is about this.
const trust = 0.02

// fit finds costs, none below zero, that explain measurements: rows of
// quantities, and what each of them took. Squares of relative errors are made
// smallest, so that a short point counts as much as a long one. What the
// measurements do not tell stays at the prior, times the factor by which the
// machine differs from the one the prior is from.
func fit(rows [][]float64, took, prior []float64) []float64 {
	speed := scale(rows, took, prior)
	base := make([]float64, len(prior))
	for j := range prior {
		base[j] = prior[j] * speed
	}
	u := slices.Repeat([]float64{1}, len(prior)) // costs in units of base
	x := make([][]float64, len(rows))
	for i, row := range rows {
		x[i] = make([]float64, len(prior))
		for j := range prior {
			x[i][j] = row[j] * base[j] / took[i]
		}
	}
	descend(x, u)
	for j := range u {
		u[j] *= base[j]
	}
	return u
}

// scale is the median of what was measured over what the prior says.
func scale(rows [][]float64, took, prior []float64) float64 {
	var factors []float64
	for i, row := range rows {
		if expected := dot(row, prior); expected > 0 {
			factors = append(factors, took[i]/expected)
		}
	}
	if len(factors) == 0 {
		return 1
	}
	slices.Sort(factors)
	n := len(factors)
	return (factors[(n-1)/2] + factors[n/2]) / 2
}

// descend minimises |x·u − 1|² + trust·|u − 1|² over u ≥ 0, one coordinate
// after the other. The function is strictly convex, so it ends at its minimum.
func descend(x [][]float64, u []float64) {
	rest := make([]float64, len(x)) // 1 − x·u
	for i := range x {
		rest[i] = 1 - dot(x[i], u)
	}
	for range 20_000 {
		moved := 0.0
		for j := range u {
			along, square := trust*(1-u[j]), trust
			for i := range x {
				along += x[i][j] * rest[i]
				square += x[i][j] * x[i][j]
			}
			step := math.Max(along/square, -u[j])
			u[j] += step
			for i := range x {
				rest[i] -= x[i][j] * step
			}
			moved = math.Max(moved, math.Abs(step))
		}
		if moved < 1e-9 {
			return
		}
	}
}
