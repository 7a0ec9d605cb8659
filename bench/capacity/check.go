package capacity

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/bench/report"
)

// Tolerance is how far a prediction may be from its measurement, as a share of
// that.
const Tolerance = 0.20

// CheckPoints is how many points a check needs to say anything.
const CheckPoints = 5

// Predicted is one figure of one point, beside what was measured.
type Predicted struct {
	Point     string  `json:"point"`
	Figure    string  `json:"figure"`
	Unit      string  `json:"unit"`
	Predicted float64 `json:"predicted"`
	Measured  float64 `json:"measured"` // the median of repetitions
	Error     float64 `json:"error"`    // predicted over measured, minus 1
	// Shown is set where the figure is only shown: the PUTs of a backlog follow
	// from the order in which brokers hand out what is there, and a plan is of
	// a steady state.
	Shown bool `json:"shown_only,omitempty"`
}

// Off reports whether the prediction is out of tolerance.
func (p Predicted) Off() bool { return !p.Shown && !(math.Abs(p.Error) <= Tolerance) }

// Check is a model held against a result.
type Check struct {
	Points  int         `json:"points"` // predicted, repetitions not counted
	Figures []Predicted `json:"figures"`
	Judged  int         `json:"judged"` // figures that are not only shown
	Off     int         `json:"off"`    // of these, out of tolerance
}

// CheckResult predicts every usable backlog and live point of a result with a
// profile that was fitted to the other points only; repetitions of a point are
// left out with it. It returns an error where fewer than [CheckPoints] points
// can be predicted.
func CheckResult(r report.Result) (Check, error) {
	var c Check
	zstd := compressible(r.Points, recordBytes(r.Points))
	for _, group := range groups(r) {
		name := report.Base(group[0].Name)
		others := slices.DeleteFunc(slices.Clone(r.Points), func(p report.Point) bool { return report.Base(p.Name) == name })
		profile, err := profileOf(r, others)
		if errors.Is(err, ErrTooFewPoints) {
			continue
		}
		if err != nil {
			return Check{}, err
		}
		c.Points++
		c.Figures = append(c.Figures, profile.predict(name, group, zstd)...)
	}
	if c.Points < CheckPoints {
		return c, fmt.Errorf("check the model: %d points can be predicted from others, and %d are needed", c.Points, CheckPoints)
	}
	for _, f := range c.Figures {
		if !f.Shown {
			c.Judged++
		}
		if f.Off() {
			c.Off++
		}
	}
	return c, nil
}

// groups are the points that can be predicted, with their repetitions.
func groups(r report.Result) [][]report.Point {
	byName := map[string][]report.Point{}
	var names []string
	for _, p := range r.Points {
		if !isArchive(p) {
			continue
		}
		name := report.Base(p.Name)
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], p)
	}
	var all [][]report.Point
	for _, name := range names {
		all = append(all, byName[name])
	}
	return all
}

// predict says what a run like those of a group takes.
func (p *Profile) predict(name string, group []report.Point, zstd map[kindOfEvents]float64) []Predicted {
	g := slices.Clone(group)
	slices.SortFunc(g, func(a, b report.Point) int { return cmp.Compare(a.ProgramCPU(), b.ProgramCPU()) })
	q := g[len(g)/2]
	done := p.run(q, zstd)
	events := float64(q.Events)
	figures := []Predicted{figure(name, "CPU", "µs/event", p.Archive.cpu(done)/events*1e6, medianOf(g, report.Point.ProgramCPU))}
	if sealed, segments := landed(q); sealed > 0 && segments > 0 {
		figures = append(figures, figure(name, "stored", "B/event", done.sealed/events, sealed/events))
	}
	if puts, regions := float64(q.Requests["PUT"]), float64(len(q.Regions)); puts > 0 && regions > 0 {
		f := figure(name, "PUT", "requests", (done.segments+math.Ceil(done.segments/pageSlots)+smallFiles)*regions, puts)
		f.Shown = q.Kind == report.Backlog
		figures = append(figures, f)
	}
	return figures
}

// smallFiles are what a run writes besides in each region: a key-encryption key
// and the topic's settings.
const smallFiles = 2

func figure(point, name, unit string, predicted, measured float64) Predicted {
	return Predicted{Point: point, Figure: name, Unit: unit, Predicted: predicted, Measured: measured, Error: predicted/measured - 1}
}

func medianOf(points []report.Point, of func(report.Point) float64) float64 {
	var all []float64
	for _, p := range points {
		all = append(all, of(p))
	}
	return middle(all)
}

// run is the work of a point as the model sees it: how long it went is taken
// from the point, what it wrote is not.
func (p *Profile) run(q report.Point, zstd map[kindOfEvents]float64) work {
	w := p.workloadOf(q, zstd)
	events, partitions := float64(q.Events), float64(w.Partitions)
	segments := partitions * p.segmentsOfRun(w, q)
	return work{
		events: events, plain: float64(q.Bytes), wire: events * p.wireBytes(w), sealed: p.sealedBytes(w, events, segments),
		batches: events / w.BatchEvents, segments: segments, partitionSeconds: partitions * q.Seconds,
		starts: float64(max(q.Settings.Instances, 1)), codec: w.Codec, compression: w.Compression, filter: w.KeyFilter,
	}
}

// visit is how much a fetch brings of a partition that is behind, the default
// of fetch.max_partition_bytes.
const visit = 4 << 20

// segmentsOfRun is how many segments a partition gets in a run. One that is
// behind is fetched in turn with the others, a visit at a time.
func (p *Profile) segmentsOfRun(w Workload, q report.Point) float64 {
	wire := p.wireBytes(w) * float64(q.Events) / float64(w.Partitions)
	if q.Kind == report.Live {
		open, _ := p.interval(w, w.Average)
		return math.Max(1, q.Seconds/open+lastOpen)
	}
	visits := math.Max(1, math.Ceil(wire/visit))
	every := q.Seconds / math.Max(1, wire/visit)
	open, by := p.closing(w, w.Average, math.Max(every, w.SegmentAge.Seconds()+every/2))
	n := q.Seconds/open + lastOpen
	if by == ByAge {
		n = math.Min(n, visits)
	}
	return math.Max(1, n)
}

// lastOpen is the share of a segment that a run has besides: half a one is open
// at its end, less the time in which the program started.
const lastOpen = 0.25
