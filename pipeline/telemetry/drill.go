package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark-io/tidemark/pipeline/drill"
)

// Drill are the metrics of the last drill. Register them with NewDrill.
type Drill struct {
	outcome            *prometheus.GaugeVec
	time               prometheus.Gauge
	point, offsets     prometheus.Gauge
	compared, findings prometheus.Gauge
	failures           prometheus.Counter
	began              time.Time
	now                func() time.Time

	mu   sync.Mutex
	last time.Time // guarded by mu
}

// NewDrill makes the metrics and registers them. They are there from the start,
// so that an alarm on the age of the last drill works before there is one.
func NewDrill(r prometheus.Registerer) *Drill {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tidemark", Name: name, Help: help})
		r.MustRegister(g)
		return g
	}
	d := &Drill{now: time.Now, began: time.Now()}
	d.outcome = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "tidemark", Name: "drill_outcome", Help: "1 for the outcome of the last drill."}, []string{"outcome"})
	d.failures = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "tidemark", Name: "drill_failures_total", Help: "Drills that could not be made, and have no outcome."})
	r.MustRegister(d.outcome, d.failures, drillAge{d})
	d.time = gauge("drill_recovery_time_seconds", "Time to the first record back in the last drill.")
	d.point = gauge("drill_recovery_point_seconds", "Age of the oldest record that was not archived at the last drill, over the partitions.")
	d.offsets = gauge("drill_recovery_point_offsets", "Offsets that were not archived at the last drill, of the partition that had most.")
	d.compared = gauge("drill_records_compared", "Records compared with Kafka in the last drill.")
	d.findings = gauge("drill_findings", "Findings of the last drill.")
	d.show("")
	return d
}

// Seen tells of a drill, whoever made it. The newest counts.
func (d *Drill) Seen(r *drill.Result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Started.Before(d.last) {
		return
	}
	d.last = r.Started
	d.show(r.Outcome)
	d.time.Set(float64(r.Recovery.FirstMS) / 1000)
	if r.Point.Measured {
		d.point.Set(float64(r.Point.MaxMS) / 1000)
		d.offsets.Set(float64(r.Point.MaxOffsets))
	}
	d.compared.Set(float64(r.Compared()))
	d.findings.Set(float64(r.FindingCount))
}

// Failed tells of a drill that could not be made.
func (d *Drill) Failed() { d.failures.Inc() }

func (d *Drill) show(now drill.Outcome) {
	for _, o := range []drill.Outcome{drill.OutcomePassed, drill.OutcomeMissed, drill.OutcomeFailed} {
		d.outcome.WithLabelValues(string(o)).Set(boolean(o == now))
	}
}

// drillAge collects the age of the last drill at the time of the scrape.
type drillAge struct{ *Drill }

var drillAgeDesc = prometheus.NewDesc("tidemark_drill_age_seconds", "Seconds since the last drill of the archive began; since the start of this process where none is known.", nil, nil)

func (a drillAge) Describe(ch chan<- *prometheus.Desc) { ch <- drillAgeDesc }

func (a drillAge) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := a.last
	if from.IsZero() {
		from = a.began
	}
	ch <- prometheus.MustNewConstMetric(drillAgeDesc, prometheus.GaugeValue, a.now().Sub(from).Seconds())
}
