package drill

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// maxEstimates bounds the topics that a result estimates.
const maxEstimates = 100

// extrapolate works out how long each whole topic would take to come back, at
// the rate of the sample. Bytes are stored bytes: those are known of the whole,
// without reading it.
func extrapolate(topics []Estimate, r *Result) []Estimate {
	rec := r.Recovery
	spent := rec.AllMS - rec.PlannedMS
	if rec.AllMS < 0 || r.Sample.StoredBytes == 0 {
		return nil
	}
	perMS := float64(r.Sample.StoredBytes) / float64(max(spent, 1))
	out := topics[:min(len(topics), maxEstimates)]
	for i := range out {
		e := &out[i]
		e.MS = rec.PlannedMS + int64(float64(e.StoredBytes)/perMS)
		e.Arithmetic = fmt.Sprintf("%s to plan + %s stored / (%s of the sample / %s) = %s", span(rec.PlannedMS),
			size(e.StoredBytes), size(r.Sample.StoredBytes), span(max(spent, 1)), span(e.MS))
	}
	return out
}

// span writes ms for a person.
func span(ms int64) string {
	if ms < 0 {
		return "never"
	}
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	}
	return d.String()
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
