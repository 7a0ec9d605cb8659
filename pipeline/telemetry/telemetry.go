// Package telemetry turns what the archiver's hooks tell into Prometheus
// metrics. The core knows nothing of metrics; this is an adapter.
//
// Labels are few and stable: topic, partition, region, reason. Everything that
// an alarm needs is a gauge that is there from the start, so that a frozen
// archiver shows: tidemark_tail_age_seconds grows when nothing is stored while
// there is something to store.
package telemetry

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// Metrics are the archiver's metrics. Register them with New.
type Metrics struct {
	records, bytes, batches *prometheus.CounterVec
	lag, tail, stalled      *prometheus.GaugeVec
	behind                  *prometheus.GaugeVec
	segments                *prometheus.CounterVec
	segmentRecords          *prometheus.CounterVec
	plainBytes, sealedBytes *prometheus.CounterVec
	segmentAge              prometheus.Histogram
	storedBytes             *prometheus.CounterVec
	storeSeconds            *prometheus.HistogramVec
	gaps, unread            *prometheus.CounterVec
	owned                   prometheus.Gauge
	memoryUsed, memoryTotal prometheus.Gauge
	now                     func() time.Time

	mu    sync.Mutex
	state map[archive.Key]*progress
}

// progress is what Health and the age of the tail are computed from.
type progress struct {
	lag     int64
	moved   time.Time // of the tail, or when the lag was last zero
	stalled error
}

var partitionLabels = []string{"topic", "partition"}

// New makes the metrics and registers them. It panics, as
// prometheus.MustRegister does, if they are registered twice.
func New(r prometheus.Registerer) *Metrics {
	m := &Metrics{now: time.Now, state: map[archive.Key]*progress{}}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "tidemark", Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "tidemark", Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	m.records = counter("fetched_records_total", "Records fetched, by the counts in batch headers.", "topic")
	m.batches = counter("fetched_batches_total", "Batches fetched.", "topic")
	m.bytes = counter("fetched_bytes_total", "Bytes of batches fetched.", "topic")
	m.segments = counter("segments_total", "Segments closed, by reason.", "topic", "reason")
	m.segmentRecords = counter("sealed_records_total", "Records sealed into segments.", "topic")
	m.plainBytes = counter("plain_bytes_total", "Bytes of batches sealed into segments, before compression.", "topic")
	m.sealedBytes = counter("sealed_bytes_total", "Bytes of sealed segments.", "topic")
	m.storedBytes = counter("stored_bytes_total", "Bytes stored, by region.", "region")
	m.gaps = counter("gap_offsets_total", "Offsets that were gone before they could be fetched.", partitionLabels...)
	m.unread = counter("unread_values_total", "Record values whose configured fields could not be read.", "topic")
	m.lag = gauge("lag_offsets", "Offsets between the cursor and the last stable offset.", partitionLabels...)
	m.tail = gauge("tail_offset", "First offset that not every region holds.", partitionLabels...)
	m.stalled = gauge("partition_stalled", "1 while a partition makes no progress because of an error.", partitionLabels...)
	m.behind = gauge("region_behind", "1 while a region waits to be healed.", "topic", "partition", "region")
	m.more(r)
	r.MustRegister(ages{m})
	return m
}

// more makes the metrics that have no labels, or buckets.
func (m *Metrics) more(r prometheus.Registerer) {
	m.segmentAge = prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "tidemark", Name: "segment_age_seconds", Help: "Time from a segment's first batch to its closing.", Buckets: []float64{.1, .5, 1, 2, 5, 10, 15, 20, 30, 60}})
	m.storeSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "tidemark", Name: "store_seconds", Help: "Time to make a key page and an object durable in one region.", Buckets: prometheus.ExponentialBuckets(.005, 2, 14)}, []string{"region"})
	m.owned = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tidemark", Name: "partitions_owned", Help: "Partitions that this member archives."})
	m.memoryUsed = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tidemark", Name: "memory_used_bytes", Help: "Bytes of the memory budget in use."})
	m.memoryTotal = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tidemark", Name: "memory_budget_bytes", Help: "The memory budget."})
	r.MustRegister(m.segmentAge, m.storeSeconds, m.owned, m.memoryUsed, m.memoryTotal)
}

// Hooks returns what to give to the archiver.
func (m *Metrics) Hooks() archive.Hooks {
	return archive.Hooks{
		Fetched: m.fetched, Sealed: m.sealed, Stored: m.stored, Tail: m.tailMoved, Behind: m.regionBehind,
		Stalled: m.partitionStalled, Gap: m.gapFound, Owned: m.partitionOwned, Memory: m.memory,
		Unread: m.valuesUnread,
	}
}

func (m *Metrics) valuesUnread(p archive.Key, values uint64) {
	m.unread.WithLabelValues(p.Topic).Add(float64(values))
}

func labels(p archive.Key) []string {
	return []string{p.Topic, strconv.Itoa(int(p.Partition))}
}

func (m *Metrics) fetched(p archive.Key, batches int, records int64, bytes int, lag int64) {
	m.batches.WithLabelValues(p.Topic).Add(float64(batches))
	m.records.WithLabelValues(p.Topic).Add(float64(records))
	m.bytes.WithLabelValues(p.Topic).Add(float64(bytes))
	m.lag.WithLabelValues(labels(p)...).Set(float64(lag))
	m.update(p, func(s *progress) {
		if s.lag == 0 && records > 0 {
			s.moved = m.now() // until now there was nothing to store
		}
		s.lag = max(lag, records)
	})
}

func (m *Metrics) sealed(r names.Range, why archive.Reason, records uint64, plain, sealed int, age time.Duration) {
	m.segments.WithLabelValues(r.Partition.Topic, string(why)).Inc()
	m.segmentRecords.WithLabelValues(r.Partition.Topic).Add(float64(records))
	m.plainBytes.WithLabelValues(r.Partition.Topic).Add(float64(plain))
	m.sealedBytes.WithLabelValues(r.Partition.Topic).Add(float64(sealed))
	m.segmentAge.Observe(age.Seconds())
}

func (m *Metrics) stored(_ names.Range, region string, bytes int, took time.Duration) {
	m.storedBytes.WithLabelValues(region).Add(float64(bytes))
	m.storeSeconds.WithLabelValues(region).Observe(took.Seconds())
}

func (m *Metrics) tailMoved(p archive.Key, next int64) {
	m.tail.WithLabelValues(labels(p)...).Set(float64(next))
	m.update(p, func(s *progress) { s.moved, s.lag = m.now(), 0 })
}

func (m *Metrics) regionBehind(p archive.Key, region string, behind bool) {
	m.behind.WithLabelValues(append(labels(p), region)...).Set(boolean(behind))
}

func (m *Metrics) partitionStalled(p archive.Key, err error) {
	m.stalled.WithLabelValues(labels(p)...).Set(boolean(err != nil))
	m.update(p, func(s *progress) { s.stalled = err })
}

func (m *Metrics) gapFound(r names.Range, _ string) {
	m.gaps.WithLabelValues(labels(archive.Key{Topic: r.Partition.Topic, Partition: r.Partition.Number})...).Add(float64(r.Next - r.Base))
}

func (m *Metrics) partitionOwned(p archive.Key, owned bool) {
	if owned {
		m.owned.Inc()
		m.update(p, func(*progress) {})
		return
	}
	m.owned.Dec()
	m.mu.Lock()
	delete(m.state, p)
	m.mu.Unlock()
	m.lag.DeleteLabelValues(labels(p)...)
	m.tail.DeleteLabelValues(labels(p)...)
	m.stalled.DeleteLabelValues(labels(p)...)
	m.behind.DeletePartialMatch(prometheus.Labels{"topic": p.Topic, "partition": labels(p)[1]})
}

func (m *Metrics) memory(used, total int64) {
	m.memoryUsed.Set(float64(used))
	m.memoryTotal.Set(float64(total))
}

func (m *Metrics) update(p archive.Key, change func(*progress)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state[p]
	if s == nil {
		s = &progress{moved: m.now()}
		m.state[p] = s
	}
	change(s)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Stalled returns the partitions that make no progress, and why. It is what
// readiness is decided by.
func (m *Metrics) Stalled() map[archive.Key]error {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[archive.Key]error{}
	for p, s := range m.state {
		if s.stalled != nil {
			found[p] = s.stalled
		}
	}
	return found
}

// ages collects the age of each partition's tail at the time of the scrape: a
// gauge that somebody has to set would freeze together with what it watches.
type ages struct{ *Metrics }

var ageDesc = prometheus.NewDesc("tidemark_tail_age_seconds", "Seconds for which fetched offsets have waited to be stored in every region; 0 where nothing waits.", partitionLabels, nil)

func (a ages) Describe(ch chan<- *prometheus.Desc) { ch <- ageDesc }

func (a ages) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, s := range a.state {
		age := 0.0
		if s.lag > 0 || s.stalled != nil {
			age = a.now().Sub(s.moved).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age, labels(p)...)
	}
}
