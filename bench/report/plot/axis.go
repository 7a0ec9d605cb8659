package plot

import "math"

// axis turns values into coordinates.
type axis struct {
	ticks []float64
	at    func(float64) float64
}

func linearAxis(ticks []float64, from, to float64) axis {
	high := ticks[len(ticks)-1]
	return axis{ticks, func(v float64) float64 { return from + (to-from)*v/high }}
}

func logAxis(ticks []float64, from, to float64) axis {
	low, high := math.Log10(ticks[0]), math.Log10(ticks[len(ticks)-1])
	return axis{ticks, func(v float64) float64 {
		return from + (to-from)*(math.Log10(max(v, ticks[0]))-low)/(high-low)
	}}
}
