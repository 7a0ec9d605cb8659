package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Captures are the metrics of what is kept beside the topics: schemas and
// access rules. Register them with NewCaptures.
type Captures struct {
	failures *prometheus.CounterVec
	written  *prometheus.CounterVec
	now      func() time.Time

	mu   sync.Mutex
	last map[string]time.Time // guarded by mu
}

// NewCaptures makes the metrics and registers them.
func NewCaptures(r prometheus.Registerer) *Captures {
	c := &Captures{now: time.Now, last: map[string]time.Time{}}
	c.failures = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "tidemark", Name: "capture_failures_total", Help: "Looks at what is kept beside the topics that failed."}, []string{"what"})
	c.written = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "tidemark", Name: "capture_changes_total", Help: "Looks that found something new, and wrote it down."}, []string{"what"})
	r.MustRegister(c.failures, c.written, captureAges{c})
	return c
}

// Leads begins to tell how old the last look is, from now on; or ends it, where
// another member looks.
func (c *Captures) Leads(what string, leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.last[what]; leads == known {
		return
	}
	if leads {
		c.last[what] = c.now()
		c.failures.WithLabelValues(what)
		c.written.WithLabelValues(what)
		return
	}
	delete(c.last, what)
}

// Looked tells of a look: that it found something new, or failed.
func (c *Captures) Looked(what string, changed bool, err error) {
	if err != nil {
		c.failures.WithLabelValues(what).Inc()
		return
	}
	if changed {
		c.written.WithLabelValues(what).Inc()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[what] = c.now()
}

// captureAges collects the age of the last look at the time of the scrape.
type captureAges struct{ *Captures }

var captureAgeDesc = prometheus.NewDesc("tidemark_capture_age_seconds", "Seconds since what is kept beside the topics was last looked at without an error.", []string{"what"}, nil)

func (a captureAges) Describe(ch chan<- *prometheus.Desc) { ch <- captureAgeDesc }

func (a captureAges) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for what, last := range a.last {
		ch <- prometheus.MustNewConstMetric(captureAgeDesc, prometheus.GaugeValue, a.now().Sub(last).Seconds(), what)
	}
}
