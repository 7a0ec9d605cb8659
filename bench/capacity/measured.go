package capacity

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/bench/report"
)

// ErrTooFewPoints says that a result holds nothing to fit a profile to.
var ErrTooFewPoints = errors.New("no usable backlog or live point with the CPU time of its program")

// ProfileOf fits a profile to the usable points of a result. What no point
// tells, it takes from measurements of single steps, scaled to the machine.
func ProfileOf(r report.Result) (Profile, error) { return profileOf(r, r.Points) }

// profileOf fits to some of a result's points.
func profileOf(r report.Result, points []report.Point) (Profile, error) {
	archive := slices.Collect(filter(points, isArchive))
	if len(archive) == 0 {
		return Profile{}, fmt.Errorf("fit profile to %s: %w", r.Name, ErrTooFewPoints)
	}
	p := Profile{
		Version: ProfileVersion, Name: r.Name, Date: r.Started.UTC().Format("2006-01-02"), Machine: r.Machine, Parts: r.Parts, Points: len(archive),
		BatchBytes: batchHeader, Shrink: priorShrink(), FilterBytes: priorFilterBytes,
		RecordBytes: recordBytes(archive), StoreSeconds: storeSeconds(archive),
	}
	zstd := compressible(r.Points, p.RecordBytes)
	p.fitShrink(archive, zstd)
	p.Archive = fitCosts(archive, priorArchive(r.Machine))
	p.fitStored(archive, zstd)
	restore := slices.Collect(filter(points, func(q report.Point) bool { return q.Kind == report.Restore && measured(q) }))
	p.Restore = fitCosts(restore, scaled(priorRestore(r.Machine), p.Archive, priorArchive(r.Machine)))
	p.Memory = fitMemory(archive)
	p.Lists, p.Gets = startRequests(archive)
	return p, nil
}

func filter(points []report.Point, keep func(report.Point) bool) func(func(report.Point) bool) {
	return func(yield func(report.Point) bool) {
		for _, p := range points {
			if keep(p) && !yield(p) {
				return
			}
		}
	}
}

// measured reports whether a point tells what its program cost.
func measured(p report.Point) bool {
	return p.Usable() && p.ProgramCPU() > 0 && p.Wire > 0 && p.Workload.Partitions > 0
}

func isArchive(p report.Point) bool {
	return (p.Kind == report.Backlog || p.Kind == report.Live) && measured(p)
}

// fitCosts fits costs to points; without any it returns the prior.
func fitCosts(points []report.Point, prior Costs) Costs {
	var rows [][]float64
	var took []float64
	for _, p := range points {
		rows = append(rows, workOf(p).quantities())
		took = append(took, p.ProgramCPU()*float64(p.Events)*1e3) // ns
	}
	return costsOf(fit(rows, took, prior.vector()))
}

// scaled multiplies a prior by the factor by which what was fitted differs from
// its own.
func scaled(prior, fitted, own Costs) Costs {
	usual := work{events: 150, plain: 35_550, wire: 7_000, sealed: 7_000, batches: 1, codec: "zstd"}
	factor := fitted.cpu(usual) / own.cpu(usual)
	v := prior.vector()
	for i := range v {
		v[i] *= factor
	}
	return costsOf(v)
}

// workOf is what a point's program did, as it was counted.
func workOf(p report.Point) work {
	sealed, segments := landed(p)
	if sealed == 0 {
		sealed = float64(p.Wire)
	}
	return work{
		events: float64(p.Events), plain: float64(p.Bytes), wire: float64(p.Wire), sealed: sealed,
		batches: float64(p.Events) / batchEventsOf(p), segments: segments,
		partitionSeconds: float64(p.Workload.Partitions) * p.Seconds, starts: float64(max(p.Settings.Instances, 1)),
		codec: p.Workload.Codec, compression: p.Settings.Compression, filter: p.Settings.KeyFilter && p.Kind != report.Restore,
	}
}

func batchEventsOf(p report.Point) float64 { return math.Max(float64(p.Workload.BatchEvents), 1) }

// landed is what the fuller region listed.
func landed(p report.Point) (bytes, segments float64) {
	for _, r := range p.Regions {
		bytes, segments = math.Max(bytes, float64(r.Bytes)), math.Max(segments, float64(r.Segments))
	}
	return bytes, segments
}

// recordBytes is what uncompressed batches take beyond keys, values and their
// own headers.
func recordBytes(points []report.Point) float64 {
	var all []float64
	for _, p := range points {
		if p.Workload.Codec == "none" && p.Bytes > 0 {
			all = append(all, float64(p.Wire-p.Bytes)/float64(p.Events)-batchHeader/batchEventsOf(p))
		}
	}
	if len(all) == 0 {
		return priorRecordBytes
	}
	return math.Max(middle(all), 0)
}

// storeSeconds is the age of the tail beyond a segment's.
func storeSeconds(points []report.Point) float64 {
	var all []float64
	for _, p := range points {
		if p.Kind == report.Live && p.TailAge != nil && p.Settings.SegmentAge > 0 {
			all = append(all, p.TailAge.P99-p.Settings.SegmentAge)
		}
	}
	if len(all) == 0 {
		return priorStore
	}
	return math.Max(middle(all), 0.1)
}

// fitStored finds what filters take, and what block compressors save.
func (p *Profile) fitStored(points []report.Point, zstd map[kindOfEvents]float64) {
	var filters []float64
	saved := map[string][]float64{}
	for _, q := range points {
		sealed, segments := landed(q)
		if sealed == 0 {
			continue
		}
		w, events := p.workloadOf(q, zstd), float64(q.Events)
		body := sealed - p.overhead(w, events, segments)
		switch {
		case w.Codec == "none" && w.Compression != "none" && w.Compressibility > 1.05 && body > 0:
			if w.KeyFilter {
				body -= events * p.FilterBytes
			}
			saved[w.Compression] = append(saved[w.Compression], (float64(q.Wire)/body-1)/(w.Compressibility-1))
		case w.KeyFilter && w.Codec != "none":
			filters = append(filters, (body-float64(q.Wire))/events)
		}
	}
	if len(filters) > 0 {
		p.FilterBytes = math.Max(middle(filters), 0)
	}
	for name, shares := range saved {
		p.Shrink[name+"/block"] = math.Max(middle(shares), 0)
	}
}

// overhead is what segments take beyond bodies and filters.
func (p *Profile) overhead(w Workload, events, segments float64) float64 {
	none := *p
	none.FilterBytes = 0
	return none.sealedBytes(w, events, segments) - events*p.bodyBytes(w)
}

// fitMemory finds what is resident besides the budget, and for each partition.
func fitMemory(points []report.Point) Memory {
	prior := priorMemory()
	var rows [][]float64
	var took []float64
	for _, p := range points {
		if rss := float64(p.PeakRSS()); rss > 0 {
			rows = append(rows, []float64{1, float64(p.Workload.Partitions), budgetOf(p)})
			took = append(took, rss)
		}
	}
	if len(rows) == 0 {
		return prior
	}
	v := fit(rows, took, []float64{prior.Base, prior.Partition, prior.Budget})
	return Memory{Base: v[0], Partition: v[1], Budget: v[2]}
}

func budgetOf(p report.Point) float64 {
	if p.Settings.Memory > 0 {
		return float64(p.Settings.Memory)
	}
	return float64(DefaultWorkload().Memory)
}

// startRequests are a partition's LISTs and GETs in one region when it begins.
func startRequests(points []report.Point) (lists, gets float64) {
	var l, g []float64
	for _, p := range points {
		if regions := float64(max(len(p.Regions), 1)); p.Requests != nil && p.Kind == report.Backlog {
			starts := float64(p.Workload.Partitions) * regions
			l = append(l, float64(p.Requests["LIST"])/starts)
			g = append(g, float64(p.Requests["GET"])/starts)
		}
	}
	if len(l) == 0 {
		return priorLists, priorGets
	}
	return math.Max(middle(l), 1), middle(g)
}

func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
