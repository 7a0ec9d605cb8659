package capacity

import (
	"math"

	"github.com/tidemark-io/tidemark/bench/report"
)

// kindOfEvents is what makes events compress alike.
type kindOfEvents struct {
	format string
	bytes  int
}

func kindOf(p report.Point) kindOfEvents {
	return kindOfEvents{format: p.Workload.Format, bytes: p.Workload.EventBytes}
}

// shrunk is uncompressed over compressed of a point's batches, without their
// headers, as they were at the broker.
func shrunk(p report.Point, record float64) float64 {
	events := float64(p.Events)
	body := float64(p.Wire)/events - batchHeader/batchEventsOf(p)
	if body <= 0 {
		return 1
	}
	return math.Max((float64(p.Bytes)/events+record)/body, 1)
}

// compressible is how far zstd shrinks each kind of events: known of those that
// a producer compressed with zstd.
func compressible(points []report.Point, record float64) map[kindOfEvents]float64 {
	all := map[kindOfEvents][]float64{}
	for _, p := range points {
		if p.Workload.Codec == "zstd" && p.Wire > 0 && p.Events > 0 {
			all[kindOf(p)] = append(all[kindOf(p)], shrunk(p, record))
		}
	}
	out := map[kindOfEvents]float64{}
	for kind, ratios := range all {
		out[kind] = middle(ratios)
	}
	return out
}

// fitShrink finds how the producers' other codecs compare with zstd on the same
// events.
func (p *Profile) fitShrink(points []report.Point, zstd map[kindOfEvents]float64) {
	shares := map[string][]float64{}
	for _, q := range points {
		c := zstd[kindOf(q)]
		if codec := q.Workload.Codec; codec != "none" && codec != "zstd" && c > 1.05 {
			shares[codec] = append(shares[codec], (shrunk(q, p.RecordBytes)-1)/(c-1))
		}
	}
	for codec, s := range shares {
		p.Shrink[codec] = middle(s)
	}
}

// workloadOf is a point as a workload: what is known before it runs, and for a
// backlog the rate at which it went.
func (p *Profile) workloadOf(q report.Point, zstd map[kindOfEvents]float64) Workload {
	w := DefaultWorkload()
	w.Name, w.Partitions, w.Codec = q.Name, q.Workload.Partitions, q.Workload.Codec
	w.EventBytes, w.BatchEvents = int(math.Round(float64(q.Bytes)/float64(q.Events))), batchEventsOf(q)
	w.Compressibility = p.compressibility(q, zstd)
	w.KeyFilter, w.Compression = q.Settings.KeyFilter, q.Settings.Compression
	w.Average, w.Peak = q.PerSecond(), q.PerSecond()
	w.Machine.AtLeast, w.Machine.Cores = max(q.Settings.Instances, 1), 1e6 // as many as there were
	w.RollUp.On = false
	if q.Settings.SegmentSize > 0 {
		w.SegmentSize = Bytes(q.Settings.SegmentSize)
	}
	if q.Settings.SegmentAge > 0 {
		w.SegmentAge = Duration(q.Settings.SegmentAge * 1e9)
	}
	w.Memory = Bytes(budgetOf(q))
	return w
}

// compressibility is what zstd would make of a point's events: for a codec
// from what the codec made of them, else from the same events elsewhere.
func (p *Profile) compressibility(q report.Point, zstd map[kindOfEvents]float64) float64 {
	codec := q.Workload.Codec
	if codec == "none" {
		return math.Max(zstd[kindOf(q)], 1)
	}
	share, ok := p.Shrink[codec]
	if !ok || share <= 0 {
		share = 1
	}
	return 1 + (shrunk(q, p.RecordBytes)-1)/share
}
