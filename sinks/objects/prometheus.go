package objects

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Prometheus is an Observer that keeps metrics.
type Prometheus struct {
	calls   *prometheus.HistogramVec
	bytes   *prometheus.CounterVec
	retries *prometheus.CounterVec
	breaker *prometheus.GaugeVec
	lookups *prometheus.CounterVec
}

// callBuckets reach from a local disk to the time-out of a call, in seconds.
var callBuckets = []float64{.001, .005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// NewPrometheus registers the metrics with r. Their labels are the store's name,
// the operation and the class of the error, all of them few.
func NewPrometheus(r prometheus.Registerer) (*Prometheus, error) {
	p := &Prometheus{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tidemark_store_call_seconds",
			Help: "Duration of calls to an object store, by the class of their error.", Buckets: callBuckets}, []string{"store", "op", "class"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_store_call_bytes_total",
			Help: "Bytes sent to and received from an object store in calls that succeeded."}, []string{"store", "op"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_store_retries_total",
			Help: "Calls to an object store that failed and were tried again, by the class of their error."}, []string{"store", "op", "class"}),
		breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tidemark_store_breaker_state",
			Help: "State of an object store's circuit breaker: 0 closed, 1 half-open, 2 open."}, []string{"store"}),
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_store_cache_lookups_total",
			Help: "Lookups in the cache before an object store, by result."}, []string{"store", "result"}),
	}
	for _, c := range []prometheus.Collector{p.calls, p.bytes, p.retries, p.breaker, p.lookups} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register store metrics: %w", err)
		}
	}
	return p, nil
}

// Call implements Observer.
func (p *Prometheus) Call(c Call) {
	p.calls.WithLabelValues(c.Store, c.Op, c.Class).Observe(c.Duration.Seconds())
	switch c.Op {
	case "put", "get", "readat":
		if c.Class == "ok" {
			p.bytes.WithLabelValues(c.Store, c.Op).Add(float64(c.N))
		}
	}
}

// Retry implements Observer.
func (p *Prometheus) Retry(store, op string, err error, _ time.Duration) {
	p.retries.WithLabelValues(store, op, Class(err)).Inc()
}

// Breaker implements Observer.
func (p *Prometheus) Breaker(store string, state BreakerState) {
	p.breaker.WithLabelValues(store).Set(float64(state))
}

// Cache implements Observer.
func (p *Prometheus) Cache(store string, hit bool, _ int) {
	result := "miss"
	if hit {
		result = "hit"
	}
	p.lookups.WithLabelValues(store, result).Inc()
}
