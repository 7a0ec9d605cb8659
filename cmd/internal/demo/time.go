package demo

import (
	"math"
	"time"
)

func milli(ms int64) time.Time { return time.UnixMilli(ms) }

// seconds rounds to hundredths, which is as exact as a watch on processes gets.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }
